import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import type { WatchLine } from '../../shared/control.ts';
import { ControlClient } from './client.ts';
import { CHANGED, ControlHost } from './testing/still-core.ts';

let host: ControlHost;
let endpoints: ControlHost['endpoints'];
beforeEach(async () => {
  host = new ControlHost();
  ({ endpoints } = host);
  await host.open();
});
afterEach(() => host.dispose());

describe('watching', () => {
  it('begins with a snapshot, then tells every change in order, and ends with the watcher', async () => {
    const stop = new AbortController();
    const lines: WatchLine[] = [];
    for await (const line of new ControlClient(endpoints.read).watch(stop.signal)) {
      lines.push(line);
      if (lines.length === 1) {
        for (const watcher of host.core.watchers) {
          watcher.event(CHANGED);
          watcher.status({ ...STATUS, phase: 'scanning' });
        }
      }
      if (lines.length === 3) stop.abort();
    }
    expect(lines.map((line) => line.kind)).toEqual(['snapshot', 'event', 'status']);
    expect(lines[0]).toMatchObject({ version: 1, status: { phase: 'up to date' } });
    expect(lines[2]).toMatchObject({ status: { phase: 'scanning' } });
    await vi.waitFor(() => {
      expect(host.core.watchers.size).toBe(0);
    });
  });

  it('ends when the agent ends', async () => {
    let seen = 0;
    for await (const _ of new ControlClient(endpoints.read).watch()) {
      seen += 1;
      void host.close();
    }
    expect(seen).toBe(1);
  });

  it('drops a watcher that does not read, and no other', async () => {
    const slow = connect(endpoints.read);
    slow.write('GET /v1/watch HTTP/1.1\r\nhost: x\r\n\r\n');
    slow.pause();
    const gone = new Promise<void>((resolve) => slow.once('close', resolve));
    slow.on('error', () => undefined);
    await vi.waitFor(() => {
      expect(host.core.watchers.size).toBe(1);
    });
    const [stuck] = host.core.watchers;
    const big = { ...CHANGED, reason: 'x'.repeat(10_000) };
    for (let n = 0; n < 400 && host.core.watchers.size > 0; n += 1) stuck!.event(big);
    await vi.waitFor(() => {
      expect(host.core.watchers.size).toBe(0);
    });
    stuck!.event(big); // one more after the end harms nobody
    slow.resume();
    await gone;
    expect((await new ControlClient(endpoints.read).status()).pid).toBe(STATUS.pid);
  });
});
