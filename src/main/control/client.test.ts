import { chownSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../test/support/reason.ts';
import { ControlClient } from './client.ts';
import { ControlHost } from './testing/still-core.ts';

let host: ControlHost;
let endpoints: ControlHost['endpoints'];
beforeEach(async () => {
  host = new ControlHost();
  ({ endpoints } = host);
  await host.open();
});
afterEach(() => host.dispose());

describe('the client', () => {
  it('says that no agent runs where there is no endpoint, or a dead one', async () => {
    await expect(new ControlClient(join(host.directory, 'none')).status()).rejects.toMatchObject({
      kind: 'not running',
    });
    writeFileSync(join(host.directory, 'dead'), '');
    await expect(new ControlClient(join(host.directory, 'dead')).status()).rejects.toMatchObject({
      kind: 'not running',
    });
  });

  it.skipIf(noRoot !== undefined)(
    `refuses an endpoint that belongs to another user${because(noRoot)}`,
    async () => {
      chownSync(endpoints.read, 65_534, 65_534);
      const refused = {
        kind: 'permission',
        message: expect.stringContaining('belongs to user 65534') as string,
      };
      await expect(new ControlClient(endpoints.read).status()).rejects.toMatchObject(refused);
      await expect(new ControlClient(endpoints.read).watch().next()).rejects.toMatchObject(refused);
    },
  );

  it.each([
    ['does not answer', 'timeout', () => undefined],
    [
      'answers a byte now and then',
      'timeout',
      (write: (text: string) => void) => setInterval(write, 20, ' '),
    ],
    ['answers no JSON', 'protocol', (_: unknown, end: (text: string) => void) => end('<html>')],
    [
      'answers what is no status',
      'protocol',
      (_: unknown, end: (text: string) => void) => end('{"pid":"x"}'),
    ],
    [
      'answers without end',
      'protocol',
      (_: unknown, end: (text: string) => void) => end('x'.repeat(5_000_000)),
    ],
  ] as const)('gives up on one that %s', async (_, kind, answer) => {
    const endpoint = join(host.directory, 'strange');
    const timers: NodeJS.Timeout[] = [];
    const strange = createServer((__, response) => {
      const timer = answer(
        (text) => response.write(text),
        (text) => response.end(text),
      );
      if (timer !== undefined && 'unref' in timer) timers.push(timer);
    });
    await new Promise<void>((resolve) => strange.listen(endpoint, resolve));
    // What a busy machine delays must not look like silence.
    const timeoutMs = kind === 'timeout' ? 200 : 10_000;
    await expect(new ControlClient(endpoint, timeoutMs).status()).rejects.toMatchObject({
      name: 'ControlFailure',
      kind,
    });
    timers.forEach((timer) => {
      clearInterval(timer);
    });
    strange.closeAllConnections();
    await new Promise((resolve) => strange.close(resolve));
  });
});
