/*
 * Double of the functions of advapi32.dll and kernel32.dll that read keys and tell of their changes, as winreg.h and synchapi.h
 * declare them: it proves how arguments and results cross the foreign function interface, not what Windows does. HKLM\SOFTWARE\Key has the subkeys One and a name of 255 units, and
 * the values "" (REG_SZ "a"), a name of 16,383 units without data, and "Late", which has grown when its data is asked for.
 * Any other key is denied. Change tells of a subkey that came (1) or a value that was set (4), DeleteKey of the key's end. A link that is to be opened itself is HKU\Link, which has the time 7.
 */
#include <stdint.h>
#include <string.h>

typedef uint16_t wide;

static int handles = 0;

int32_t OpenHandles(void) { return handles; }

static int is(const wide *text, const char *ascii) {
  size_t at = 0;
  for (; ascii[at] != 0; at += 1)
    if (text[at] != (unsigned char)ascii[at]) return 0;
  return text[at] == 0;
}

int32_t RegOpenKeyExW(intptr_t root, const wide *key, uint32_t options, uint32_t access, intptr_t *handle) {
  if (access != 0x20119 && access != 0x110) return 87;
  if (root == (intptr_t)0xFFFFFFFF80000002ULL && options == 0 && is(key, "SOFTWARE\\Key")) *handle = 77;
  else if (root == (intptr_t)0xFFFFFFFF80000003ULL && options == 8 && is(key, "Link")) *handle = 78;
  else return 5;
  handles += 1;
  return 0;
}

int32_t RegCloseKey(intptr_t handle) {
  if (handle != 77 && handle != 78) return 6;
  handles -= 1;
  return 0;
}

int32_t RegQueryInfoKeyW(intptr_t handle, wide *class, uint32_t *class_units, void *reserved, uint32_t *subkeys,
                         uint32_t *longest_subkey, uint32_t *longest_class, uint32_t *values, uint32_t *longest_value,
                         uint32_t *longest_data, uint32_t *security, uint64_t *written) {
  if (class || class_units || reserved || subkeys || longest_subkey || longest_class || values) return 87;
  if (longest_value || longest_data || security) return 87;
  *written = handle == 78 ? 7 : 0x0123456789abcdefULL;
  return 0;
}

static uint32_t fill(wide *name, uint32_t count) {
  for (uint32_t at = 0; at < count; at += 1) name[at] = 'n';
  name[count] = 0;
  return count;
}

int32_t RegEnumKeyExW(intptr_t handle, uint32_t index, wide *name, uint32_t *units, void *reserved, wide *class,
                      uint32_t *class_units, void *written) {
  if (reserved || class || class_units || written || *units != 256) return 87;
  /* One of the predefined handles: its only subkey has the name of its lowest digit. */
  if (handle == (intptr_t)0xFFFFFFFF80000003ULL && index == 0) {
    name[0] = '3';
    name[1] = 0;
    *units = 1;
    return 0;
  }
  if (handle != 77 || index > 1) return 259;
  if (index == 1) {
    *units = fill(name, 255);
    return 0;
  }
  memcpy(name, u"One", 8);
  *units = 3;
  return 0;
}

static int32_t give(const void *content, uint32_t length, void *data, uint32_t *size) {
  uint32_t room = *size;
  *size = length;
  if (data == 0) return 0;
  if (room < length) return 234;
  memcpy(data, content, length);
  return 0;
}

int32_t RegEnumValueW(intptr_t handle, uint32_t index, wide *name, uint32_t *units, void *reserved, uint32_t *kind,
                      void *data, uint32_t *size) {
  if (reserved || *units != 16384) return 87;
  if (handle != 77 || index > 2) return 259;
  if (index == 0) {
    *units = fill(name, 0);
    *kind = 1;
    return give(u"a", 4, data, size);
  }
  if (index == 1) {
    *units = fill(name, 16383);
    *kind = 3;
    return give("", 0, data, size);
  }
  memcpy(name, u"Late", 10);
  *units = 4;
  *kind = 3;
  return give("\1\2\3", data == 0 ? 2 : 3, data, size);
}

int32_t RegQueryValueExW(intptr_t handle, const wide *name, void *reserved, uint32_t *kind, void *data, uint32_t *size) {
  if (reserved || handle != 77) return 87;
  if (is(name, "Late")) {
    *kind = 3;
    return give("\1\2\3", data == 0 ? 2 : 3, data, size);
  }
  if (!is(name, "")) return 2;
  *kind = 1;
  return give(u"a", 4, data, size);
}

static int32_t armed = 0;
static int told = 0;
static int gone = 0;

int32_t RegNotifyChangeKeyValue(intptr_t key, int32_t subtree, uint32_t filter, intptr_t event, int32_t asynchronous) {
  if (key != 77 || subtree != 0 || event != 88 || asynchronous != 1) return 87;
  if (gone) return 1018;
  armed = (int32_t)filter;
  return 0;
}

int32_t Change(int32_t what) {
  if (armed & what) {
    told = 1;
    armed = 0;
  }
  return 0;
}

int32_t DeleteKey(void) {
  gone = 1;
  told = armed != 0;
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
