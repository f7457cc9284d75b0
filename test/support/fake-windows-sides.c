/*
 * Double of the functions of iphlpapi.dll, ntdll.dll and kernel32.dll that tell of sockets, named objects and images, as
 * iphlpapi.h, the Win32 development notes, processthreadsapi.h and winbase.h declare them: it proves how arguments, tables
 * and lists cross the foreign function interface, not what Windows does.
 */
#include <stdint.h>
#include <string.h>

typedef uint16_t wide;

static int handles = 0;
static uint32_t error = 0;

int32_t OpenHandles(void) { return handles; }

/* One listener of TCP over IPv4: 127.0.0.1, port 8080 with rubbish in the upper half, pid 7. IPv6 has none. */
uint32_t GetExtendedTcpTable(void *table, uint32_t *size, int32_t order, uint32_t family, int32_t kind, uint32_t reserved) {
  if (order || kind != 3 || reserved) return 87;
  memset(table, 0, 28);
  if (family == 23) return 0;
  uint32_t rows[7] = {1, 2, 0x0100007f, 0xabcd901f, 0, 0, 7};
  memcpy(table, rows, sizeof rows);
  return 0;
}

/* UDP over IPv4 grows with each of the first two calls, past what was asked for; over IPv6 it never stops. */
uint32_t GetExtendedUdpTable(void *table, uint32_t *size, int32_t order, uint32_t family, int32_t kind, uint32_t reserved) {
  static int calls = 0;
  if (order || kind != 1 || reserved) return 87;
  calls += 1;
  if (family == 23 || calls < 3) {
    *size += 100000;
    return 122;
  }
  uint32_t rows = 10000;
  memset(table, 0, *size);
  memcpy(table, &rows, 4);
  return *size >= 4 + rows * 12 ? 0 : 122;
}

/* pid 7 has an image; 8 may not be asked; 9 may, and has none to tell; no other process is there. */
intptr_t OpenProcess(uint32_t access, int32_t inherit, uint32_t pid) {
  if (access != 0x1000 || inherit || pid < 7 || pid > 9) error = 87;
  else if (pid == 8) error = 5;
  else {
    handles += 1;
    return pid;
  }
  return 0;
}

int32_t QueryFullProcessImageNameW(intptr_t handle, uint32_t flags, wide *path, uint32_t *units) {
  static const char text[] = "C:\\Windows\\b\xe9.exe";
  if (handle != 7 || flags || *units < sizeof text) {
    error = 31;
    return 0;
  }
  for (size_t at = 0; at < sizeof text; at += 1) path[at] = (unsigned char)text[at];
  *units = sizeof text - 1;
  return 1;
}

int32_t CloseHandle(intptr_t handle) {
  handles -= 1;
  return 1;
}

uint32_t GetLastError(void) { return error; }

typedef struct {
  uint16_t length, room;
  uint32_t padding;
  wide *text;
} unicode_string;

typedef struct {
  uint32_t length;
  uint32_t padding;
  intptr_t root;
  unicode_string *name;
  uint32_t attributes;
  void *security, *quality;
} object_attributes;

static int same(const unicode_string *name, const char *ascii) {
  size_t length = strlen(ascii);
  if (name->length != length * 2 || name->room != length * 2) return 0;
  for (size_t at = 0; at < length; at += 1)
    if (name->text[at] != (wide)(unsigned char)ascii[at]) return 0;
  return 1;
}

/* \Many gives many objects at once, \Single one with each call, \Endless is without end, \Refused opens for nobody. */
uint32_t NtOpenDirectoryObject(intptr_t *handle, uint32_t access, const object_attributes *attributes) {
  if (access != 1 || attributes->length != 48 || attributes->root || attributes->security) return 0xc000000d;
  if (same(attributes->name, "\\Refused")) return 0xc0000022;
  if (same(attributes->name, "\\Many")) *handle = 1;
  else if (same(attributes->name, "\\Single")) *handle = 2;
  else if (same(attributes->name, "\\Endless")) *handle = 3;
  else return 0xc0000034;
  handles += 1;
  return 0;
}

/* Writes objects a, b, … of type Mutant from `first` on, then the entry of zeros, then their names. */
static void entries(void *answer, uint32_t first, uint32_t count) {
  unicode_string *at = answer;
  wide *text = (wide *)(at + 2 * (count + 1));
  for (uint32_t n = 0; n < count; n += 1, at += 2) {
    text[0] = (wide)('a' + (first + n) % 26);
    at[0] = (unicode_string){2, 4, 0, text};
    memcpy(text + 2, (wide[]){'M', 'u', 't', 'a', 'n', 't', 0}, 14);
    at[1] = (unicode_string){12, 14, 0, text + 2};
    text += 9;
  }
  memset(at, 0, 2 * sizeof *at);
}

uint32_t NtQueryDirectoryObject(intptr_t handle, void *answer, uint32_t bytes, uint8_t single, uint8_t restart,
                                uint32_t *context, uint32_t *given) {
  if (bytes < 65536 || given) return 0xc000000d;
  if (restart) *context = 0;
  if (handle == 2 && !single) return 0xc0000002;
  uint32_t all = handle == 3 ? 0xffffffffu : 3, most = single ? 1 : handle == 3 ? 1000 : 2;
  if (*context >= all) return 0x8000001a;
  uint32_t count = all - *context < most ? all - *context : most;
  entries(answer, *context, count);
  *context += count;
  return *context < all && !single ? 0x105 : 0;
}

uint32_t NtClose(intptr_t handle) {
  handles -= 1;
  return 0;
}
