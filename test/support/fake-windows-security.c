/*
 * Double of the functions of crypt32.dll, kernel32.dll and secur32.dll that secrets and Negotiate use, as dpapi.h and sspi.h
 * declare them: it proves how arguments and results cross the foreign function interface, not what Windows does.
 * "Sealing" turns every bit around and puts the entropy behind; SSPI makes tokens of what it was given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint16_t wide;

static _Atomic int blocks = 0;
static _Atomic int credentials = 0;
static _Atomic int contexts = 0;

struct blob {
  uint32_t size;
  unsigned char *data;
};

static void fill(struct blob *out, uint32_t size) {
  out->size = size;
  out->data = malloc(size + 1);
  blocks += 1;
}

int32_t CryptProtectData(const struct blob *in, const wide *description, const struct blob *entropy, void *reserved,
                         void *prompt, uint32_t flags, struct blob *out) {
  if (description || reserved || prompt || flags != 5) return 0;
  fill(out, in->size + entropy->size);
  for (uint32_t at = 0; at < in->size; at += 1) out->data[at] = ~in->data[at];
  memcpy(out->data + in->size, entropy->data, entropy->size);
  return 1;
}

int32_t CryptUnprotectData(const struct blob *in, wide **description, const struct blob *entropy, void *reserved,
                           void *prompt, uint32_t flags, struct blob *out) {
  if (description || reserved || prompt || flags != 5 || in->size < entropy->size) return 0;
  uint32_t size = in->size - entropy->size;
  if (memcmp(in->data + size, entropy->data, entropy->size) != 0) return 0;
  fill(out, size);
  for (uint32_t at = 0; at < size; at += 1) out->data[at] = ~in->data[at];
  return 1;
}

void *LocalFree(void *memory) {
  free(memory);
  blocks -= 1;
  return NULL;
}

uint32_t GetLastError(void) { return 13; }

int32_t OpenBlocks(void) { return blocks; }

struct handle {
  uintptr_t lower;
  uintptr_t upper;
};

struct buffer {
  uint32_t size;
  uint32_t type;
  void *data;
};

struct buffers {
  uint32_t version;
  uint32_t count;
  struct buffer *all;
};

static const int32_t INVALID_HANDLE = (int32_t)0x80090301;
static const int32_t TARGET_UNKNOWN = (int32_t)0x80090303;

static int is_text(const wide *given, const char *ascii) {
  size_t at = 0;
  while (ascii[at] != 0 && given[at] == (unsigned char)ascii[at]) at += 1;
  return ascii[at] == 0 && given[at] == 0;
}

int32_t AcquireCredentialsHandleW(const wide *principal, const wide *package, uint32_t use, void *logon, void *auth,
                                  void *get_key, void *argument, struct handle *credential, int64_t *expiry) {
  if (principal || !is_text(package, "Negotiate") || use != 2 || logon || auth || get_key || argument)
    return INVALID_HANDLE;
  credentials += 1;
  credential->lower = 11;
  credential->upper = UINTPTR_MAX;
  *expiry = INT64_MAX;
  return 0;
}

int32_t InitializeSecurityContextW(const struct handle *credential, const struct handle *context, const wide *target,
                                   uint32_t flags, uint32_t reserved, uint32_t representation,
                                   const struct buffers *input, uint32_t reserved2, struct handle *next,
                                   struct buffers *output, uint32_t *attributes, int64_t *expiry) {
  if (credential->lower != 11 || credential->upper != UINTPTR_MAX) return INVALID_HANDLE;
  if (flags || reserved || representation != 0x10 || reserved2) return INVALID_HANDLE;
  if (!is_text(target, "HTTP/proxy.test")) return TARGET_UNKNOWN;
  if (output->version != 0 || output->count != 1 || output->all[0].type != 2) return INVALID_HANDLE;
  if (context == NULL) contexts += 1;
  else if (context->lower != 22) return INVALID_HANDLE;
  struct buffer *token = &output->all[0];
  if (token->size < 65536) return INVALID_HANDLE;
  *attributes = 0;
  *expiry = 0;
  next->lower = 22;
  next->upper = 33;
  if (input == NULL) {
    token->size = (uint32_t)sprintf(token->data, "first");
    return 0x90312;
  }
  const struct buffer *given = &input->all[0];
  if (input->version != 0 || input->count != 1 || given->type != 2) return INVALID_HANDLE;
  token->size = (uint32_t)sprintf(token->data, "answer to %.*s", (int)given->size, (const char *)given->data);
  return 0;
}

int32_t DeleteSecurityContext(const struct handle *context) {
  if (context->lower != 22 || context->upper != 33) return INVALID_HANDLE;
  contexts -= 1;
  return 0;
}

int32_t FreeCredentialsHandle(const struct handle *credential) {
  if (credential->lower != 11 || credential->upper != UINTPTR_MAX) return INVALID_HANDLE;
  credentials -= 1;
  return 0;
}

int32_t OpenHandles(void) { return credentials + contexts; }
