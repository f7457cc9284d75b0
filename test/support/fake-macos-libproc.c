/*
 * Double of proc_pidpath as libproc.h declares it: it proves how arguments and the path cross the foreign function interface,
 * not what macOS does. The process 7 has a path that is no UTF-8; no other is there.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

int proc_pidpath(int pid, void *buffer, uint32_t bytes) {
  static const char path[] = "/opt/\xff";
  if (bytes > 4096) errno = EOVERFLOW;
  else if (pid != 7) errno = ESRCH;
  else {
    memcpy(buffer, path, sizeof path);
    return sizeof path - 1;
  }
  return 0;
}
