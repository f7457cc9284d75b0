/*
 * Double of the functions of kernel32.dll that read a change journal, as fileapi.h, ioapiset.h and winbase.h declare them:
 * it proves how arguments and results cross the foreign function interface, not what Windows does. There is one volume, C:.
 */
#include <stdint.h>
#include <string.h>

typedef uint16_t wide;

static uint32_t error = 0;
static int handles = 0;

static int same(const wide *text, const char *ascii) {
  size_t at = 0;
  while (ascii[at] != 0 && text[at] == (wide)(unsigned char)ascii[at]) at += 1;
  return ascii[at] == 0 && text[at] == 0;
}

intptr_t CreateFileW(const wide *path, uint32_t access, uint32_t share, void *security, uint32_t how, uint32_t flags,
                     intptr_t template) {
  if (!same(path, "\\\\.\\C:") || access != 0x80000000u || share != 7 || security || how != 3 || flags || template) {
    error = 5;
    return -1;
  }
  handles += 1;
  return 0x7fff00000044;
}

/* Query answers three numbers; reading answers the question back behind a number, and fails for the journal 13. */
int32_t DeviceIoControl(intptr_t handle, uint32_t code, const void *input, uint32_t input_bytes, void *output,
                        uint32_t output_bytes, uint32_t *given, void *overlapped) {
  if (handle != 0x7fff00000044 || overlapped) return 0;
  if (code == 0x900f4 && input == NULL && input_bytes == 0 && output_bytes >= 56) {
    int64_t numbers[7] = {7, 100, 200, 0, 0, 0, 0};
    memcpy(output, numbers, 56);
    *given = 56;
    return 1;
  }
  if (code == 0x900bb && input_bytes == 48 && output_bytes == 65536) {
    uint64_t journal;
    memcpy(&journal, (const char *)input + 32, 8);
    if (journal == 13) {
      error = 1181;
      return 0;
    }
    memset(output, 1, 8);
    memcpy((char *)output + 8, input, 48);
    *given = 56;
    return 1;
  }
  error = 87;
  return 0;
}

struct file_id {
  uint32_t size;
  uint32_t type;
  unsigned char number[16];
};

/* The number 5 is the root, by 8 bytes or by 16; 6 is refused; 7 has a path that can't be told; all others are gone. */
intptr_t OpenFileById(intptr_t volume, const struct file_id *id, uint32_t access, uint32_t share, void *security,
                      uint32_t flags) {
  if (volume != 0x7fff00000044 || id->size != 24 || access != 0x80 || share != 7 || security || flags != 0x02000000u)
    return -1;
  unsigned char first = id->number[0];
  if (id->type != (uint32_t)(id->number[15] == 9 ? 2 : 0) || first < 5 || first > 7) {
    error = 87;
    return -1;
  }
  if (first == 6) {
    error = 5;
    return -1;
  }
  handles += 1;
  return first;
}

uint32_t GetFinalPathNameByHandleW(intptr_t handle, wide *path, uint32_t units, uint32_t flags) {
  static const char text[] = "\\\\?\\C:\\Users";
  if (handle == 7 || flags || units < sizeof text) {
    error = 3;
    return 0;
  }
  for (size_t at = 0; at < sizeof text; at += 1) path[at] = (unsigned char)text[at];
  return sizeof text - 1;
}

int32_t CloseHandle(intptr_t handle) {
  handles -= 1;
  return 1;
}

uint32_t GetLastError(void) { return error; }

int32_t OpenHandles(void) { return handles; }
