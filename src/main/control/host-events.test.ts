import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import { Chain, fimEvent } from '../../../test/support/sealed-events.ts';
import type { HostEvent } from '../../shared/host-events.ts';
import { ControlClient } from './client.ts';
import { call } from './testing/call.ts';
import { ControlHost } from './testing/still-core.ts';

let host: ControlHost;
beforeEach(async () => {
  host = new ControlHost();
  await host.open();
});
afterEach(() => host.dispose());

describe('events of the host', () => {
  const chain = new Chain();
  const first = chain.seal(fimEvent({ path: '/etc/passwd' }));
  const second = chain.seal(fimEvent({ path: '/etc/shadow' }));
  const pathsOf = (events: readonly HostEvent[]): (string | undefined)[] =>
    events.map((event) => event.file?.path);

  it('R199 are told to administrators, who get those of the past and every new one', async () => {
    host.core.fimEvents = [first];
    const client = new ControlClient(host.endpoints.admin);
    expect(pathsOf(await client.hostEvents('fim'))).toEqual(['/etc/passwd']);
    expect(await client.hostEvents('edr')).toEqual([]);
    const heard: HostEvent[] = [];
    for await (const line of client.watchHostEvents('fim')) {
      if ('event' in line) heard.push(line.event);
      if (heard.length === 1) for (const watcher of host.core.hostWatchers) watcher(second);
      if (heard.length === 2) break;
    }
    expect(pathsOf(heard)).toEqual(['/etc/passwd', '/etc/shadow']);
    await vi.waitFor(() => {
      expect(host.core.hostWatchers.size).toBe(0);
    });
  });

  it('are told to nobody else: command lines and names of files are not for everyone on a host', async () => {
    host.core.fimEvents = [first];
    for (const path of ['/v1/host-events/fim', '/v1/watch/fim', '/v1/watch/edr']) {
      expect(await call(host.endpoints.read, 'GET', path)).toEqual({ status: 403, code: 'ADMIN_ONLY' });
    }
    const client = new ControlClient(host.endpoints.read);
    await expect(client.hostEvents('fim')).rejects.toMatchObject({ code: 'ADMIN_ONLY' });
    await expect(client.watchHostEvents('fim').next()).rejects.toMatchObject({ code: 'ADMIN_ONLY' });
    expect(host.core.hostWatchers.size).toBe(0);
    expect(JSON.stringify(STATUS)).not.toContain('/etc/passwd');
  });

  it('are left out, and counted, for who reads more slowly than they come', async () => {
    const client = new ControlClient(host.endpoints.admin);
    const lines = client.watchHostEvents('fim');
    const next = lines.next();
    await vi.waitFor(() => {
      expect(host.core.hostWatchers.size).toBe(1);
    });
    const tell = (body: string): void => {
      for (const watcher of host.core.hostWatchers) watcher(body);
    };
    const large = chain.seal(fimEvent({ path: `/srv/${'x'.repeat(15_000)}` }));
    for (let n = 0; n < 1_000; n += 1) tell(large);
    let events = 'event' in ((await next).value ?? {}) ? 1 : 0;
    let skipped = 0;
    let ticks = 0;
    const last = setInterval(() => {
      ticks += 1;
      tell(first);
    }, 20);
    for await (const line of lines) {
      if ('skipped' in line) skipped += line.skipped;
      else if (line.event.file?.path === '/etc/passwd') break;
      else events += 1;
    }
    clearInterval(last);
    expect(skipped).toBeGreaterThan(0);
    // The ticks that came while it was still behind were left out, too.
    expect(events + skipped).toBeGreaterThanOrEqual(1_000);
    expect(events + skipped).toBeLessThan(1_000 + ticks);
  });

  it('are called for by name: another stream is none', async () => {
    expect(await call(host.endpoints.admin, 'GET', '/v1/host-events/other')).toMatchObject({ status: 404 });
    expect(await call(host.endpoints.admin, 'POST', '/v1/host-events/fim')).toMatchObject({ status: 404 });
  });
});
