/*
 * Double of AuditQuerySystemPolicy of advapi32.dll as ntsecapi.h declares it: it proves how arguments and the array cross the
 * foreign function interface, not what Windows does. Success is written for process creation, success and failure for the
 * registry, failure alone for files; nothing for process termination. After Refuse it fails with ERROR_PRIVILEGE_NOT_HELD.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint32_t first;
  uint16_t second, third;
  unsigned char rest[8];
} guid;

typedef struct {
  guid subcategory;
  uint32_t information;
  guid category;
} policy_information;

static int refused = 0;
static int held = 0;

void Refuse(void) { refused = 1; }

int32_t Held(void) { return held; }

static uint32_t information_of(const guid *one) {
  static const unsigned char rest[8] = {0xbe, 0xd3, 0x50, 0x50, 0x54, 0x50, 0x30, 0x30};
  if (one->second != 0x69ae || one->third != 0x11d9 || memcmp(one->rest, rest, 8) != 0) return 0;
  switch (one->first) {
  case 0x0cce922b:
    return 1;
  case 0x0cce922c:
    return 4;
  case 0x0cce921d:
    return 2;
  case 0x0cce921e:
    return 3;
  default:
    return 0;
  }
}

uint8_t AuditQuerySystemPolicy(const guid *subcategories, uint32_t count, policy_information **policy) {
  if (refused || count != 4) return 0;
  *policy = calloc(count, sizeof **policy);
  held += 1;
  for (uint32_t at = 0; at < count; at += 1) {
    (*policy)[at].subcategory = subcategories[at];
    (*policy)[at].information = information_of(&subcategories[at]);
  }
  return 1;
}

void AuditFree(void *buffer) {
  held -= 1;
  free(buffer);
}

uint32_t GetLastError(void) { return 1314; }
