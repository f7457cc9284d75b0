/*
 * Double of GetSystemPowerStatus of kernel32.dll as winbase.h declares it: it proves how the structure crosses the foreign
 * function interface, not what Windows does. What it answers is set beforehand; a line status of 77 makes it fail.
 */
#include <stdint.h>

typedef struct {
  uint8_t line, flag, charge, system;
  uint32_t life, full;
} status;

static status kept;

void SetPower(uint8_t line, uint8_t flag, uint8_t charge) {
  kept = (status){line, flag, charge, 0, 0xFFFFFFFF, 0xFFFFFFFF};
}

int32_t GetSystemPowerStatus(status *out) {
  if (kept.line == 77) return 0;
  *out = kept;
  return 1;
}
