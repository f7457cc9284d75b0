import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAutoProxy } from './winhttp-auto.ts';

/*
 * The binding against a double of the library, compiled here: structures and text as winhttp.h lays them out. It writes
 * down what it was called with, and answers by the host of the URL.
 */
const DOUBLE = `
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
typedef struct { uint32_t flags, detect; const uint16_t *url; void *reserved; uint32_t zero; int32_t logon; } Options;
typedef struct { uint32_t access; uint16_t *proxy, *bypass; } Info;
static void note(const char *format, unsigned a, unsigned b, unsigned c, unsigned d) {
  FILE *file = fopen(getenv("FAKE_WINHTTP_LOG"), "a");
  fprintf(file, format, a, b, c, d);
  fclose(file);
}
static uint16_t *text(const char *from) {
  uint16_t *to = calloc(100, 2);
  for (int i = 0; from[i]; i++) to[i] = from[i];
  return to;
}
void *WinHttpOpen(const uint16_t *agent, uint32_t access, void *a, void *b, uint32_t flags) {
  note("open %c %u %u %u\\n", agent[0], access, a == 0 && b == 0, flags);
  return (void *)42;
}
int32_t WinHttpGetProxyForUrl(void *session, const uint16_t *url, const Options *options, Info *info) {
  note("ask %u %u %u %u\\n", session == (void *)42, options->flags, options->detect,
       options->url == 0 && options->reserved == 0 && options->zero == 0 && options->logon == 0);
  char host = url[8];
  if (host == 'n') return 0;
  info->access = host == 'd' ? 1 : 3;
  info->proxy = host == 'd' ? 0 : text("proxy.example.com:8080;other:81");
  info->bypass = host == 'd' ? 0 : text("<local>");
  return 1;
}
int32_t WinHttpCloseHandle(void *session) { note("close %u\\n", session == (void *)42, 0, 0, 0); return 1; }
void *GlobalFree(void *memory) { note("free\\n", 0, 0, 0, 0); free(memory); return 0; }
`;

function reasonToSkip(): string | undefined {
  if (process.platform !== 'linux') return 'the double is built on Linux';
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs gcc: apt-get install -y --no-install-recommends gcc libc6-dev';
  }
}

const why = reasonToSkip();

describe(`the binding of WinHTTP's discovery${why === undefined ? '' : `: ${why}`}`, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'wf-winhttp-'));
  const library = join(scratch, 'fake-winhttp.so');
  const log = join(scratch, 'log');
  beforeAll(() => {
    if (why !== undefined) return;
    writeFileSync(join(scratch, 'fake-winhttp.c'), DOUBLE);
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, join(scratch, 'fake-winhttp.c')]);
    process.env['FAKE_WINHTTP_LOG'] = log;
  });
  afterAll(() => {
    delete process.env['FAKE_WINHTTP_LOG'];
    rmSync(scratch, { recursive: true, force: true });
  });
  const calls = (): string[] => readFileSync(log, 'utf8').trimEnd().split('\n');

  it.skipIf(why !== undefined)(
    'asks by DHCP and DNS, without credentials, and frees what it was given',
    async () => {
      const find = loadAutoProxy(library, library);
      writeFileSync(log, '');
      expect(await find('https://platform.example.com/')).toEqual({
        kind: 'proxies',
        proxy: 'proxy.example.com:8080;other:81',
      });
      expect(calls()).toEqual(['open W 1 1 0', 'ask 1 1 3 1', 'free', 'free', 'close 1']);
    },
  );

  it.skipIf(why !== undefined)(
    'tells direct from nothing found, and closes its session either way',
    async () => {
      const find = loadAutoProxy(library, library);
      writeFileSync(log, '');
      expect(await find('https://direct.example.com/')).toEqual({ kind: 'direct' });
      expect(await find('https://none.example.com/')).toEqual({ kind: 'none' });
      expect(calls().filter((call) => call === 'close 1')).toHaveLength(2);
      expect(calls()).not.toContain('free');
    },
  );
});
