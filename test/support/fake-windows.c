/*
 * Double of the functions of advapi32.dll, winhttp.dll and kernel32.dll that the proxy settings and the keys of scans use,
 * as winreg.h, winhttp.h and synchapi.h declare them: it proves how arguments and results cross the foreign function
 * interface, not what Windows does. One registry value is kept, by the length of its key and name; a value whose name begins
 * with D is the number 1, one with L is too large.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint16_t wide;

static unsigned char kept[4096];
static uint32_t kept_size = 0;
static uint32_t kept_type = 0;
static size_t kept_under = 0;
static int armed = 0;
static int told = 0;
static int gone = 0;
static int handles = 0;
static int blocks = 0;

static int right(intptr_t root, const wide *key) { return root == (intptr_t)0xFFFFFFFF80000002ULL && key[0] == 'S'; }

static size_t length(const wide *text) {
  size_t at = 0;
  while (text[at] != 0) at += 1;
  return at;
}

static size_t under(const wide *key, const wide *name) { return length(key) * 1000 + length(name); }

int32_t RegGetValueW(intptr_t root, const wide *key, const wide *name, uint32_t flags, uint32_t *type, void *data,
                     uint32_t *size) {
  if (!right(root, key) || flags != 0x12) return 87;
  if (name[0] == 'L') return 234;
  if (name[0] == 'D') {
    uint32_t one = 1;
    memcpy(data, &one, 4);
    *type = 4;
    *size = 4;
    return 0;
  }
  if (kept_size == 0 || kept_under != under(key, name)) return 2;
  memcpy(data, kept, kept_size);
  *type = kept_type;
  *size = kept_size;
  return 0;
}

int32_t RegSetKeyValueW(intptr_t root, const wide *key, const wide *name, uint32_t type, const void *data,
                        uint32_t size) {
  if (!right(root, key) || (type != 1 && !(type == 4 && size == 4)) || size > sizeof kept) return 87;
  if (name[0] == 'X') return 5;
  memcpy(kept, data, size);
  kept_size = size;
  kept_type = type;
  kept_under = under(key, name);
  if (armed) told = 1;
  armed = 0;
  return 0;
}

int32_t RegDeleteKeyValueW(intptr_t root, const wide *key, const wide *name) {
  if (!right(root, key) || name[0] == 0) return 87;
  if (kept_size == 0 || kept_under != under(key, name)) return 2;
  kept_size = 0;
  return 0;
}

int32_t RegCreateKeyExW(intptr_t root, const wide *key, uint32_t reserved, void *class, uint32_t options,
                        uint32_t access, void *security, intptr_t *handle, void *disposition) {
  if (!right(root, key) || reserved || class || options || access != 2 || security || disposition) return 87;
  handles += 1;
  *handle = 77;
  return 0;
}

int32_t RegOpenKeyExW(intptr_t root, const wide *key, uint32_t options, uint32_t access, intptr_t *handle) {
  if (!right(root, key) || options || access != 0x10) return 87;
  handles += 1;
  *handle = 77;
  return 0;
}

int32_t RegNotifyChangeKeyValue(intptr_t key, int32_t subtree, uint32_t filter, intptr_t event, int32_t asynchronous) {
  if (key != 77 || subtree != 1 || filter != 5 || event != 88 || asynchronous != 1) return 87;
  if (gone) return 1018;
  armed = 1;
  return 0;
}

/* The key is deleted: whoever is told of its changes learns of this one, and of no more. */
int32_t DeleteKey(void) {
  gone = 1;
  told = armed;
  armed = 0;
  return 0;
}

intptr_t CreateEventW(void *security, int32_t manual, int32_t initial, void *name) {
  if (security || manual || initial || name) return 0;
  handles += 1;
  return 88;
}

uint32_t WaitForSingleObject(intptr_t handle, uint32_t ms) {
  if (handle != 88 || ms != 0) return 0xFFFFFFFF;
  if (!told) return 258;
  told = 0;
  return 0;
}

int32_t CloseHandle(intptr_t handle) {
  if (handle != 88) return 0;
  handles -= 1;
  return 1;
}

int32_t RegCloseKey(intptr_t handle) {
  if (handle != 77) return 6;
  handles -= 1;
  return 0;
}

int32_t OpenHandles(void) { return handles; }

struct proxy_info {
  uint32_t access;
  wide *proxy;
  wide *bypass;
};

static wide *text(const char *ascii) {
  wide *copy = calloc(strlen(ascii) + 1, sizeof(wide));
  for (size_t at = 0; ascii[at] != 0; at += 1) copy[at] = (unsigned char)ascii[at];
  blocks += 1;
  return copy;
}

int32_t WinHttpGetDefaultProxyConfiguration(struct proxy_info *info) {
  info->access = 3;
  info->proxy = text("http=a:80;https=b:443");
  info->bypass = text("<local>;*.corp");
  return 1;
}

void *GlobalFree(void *memory) {
  free(memory);
  blocks -= 1;
  return NULL;
}

int32_t OpenBlocks(void) { return blocks; }
