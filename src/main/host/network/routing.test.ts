import { describe, expect, it, vi } from 'vitest';
import { remembered } from './routing.ts';
import type { HostRouting, Interfaces } from './state.ts';

const routing = (gateway: string): HostRouting => ({
  routes: [{ interface: 'eth0', gateway }],
  searchDomains: [],
});
const eth0 = (address: string): Interfaces => ({
  eth0: [{ address, family: 'IPv4', cidr: `${address}/24`, internal: false, mac: '', netmask: '' }],
});

describe('a system that is costly to ask', () => {
  it('is asked again only when an address has changed or ten minutes have passed', async () => {
    let now = 0;
    const ask = vi.fn(() => Promise.resolve(routing(`192.0.2.${String(ask.mock.calls.length)}`)));
    const read = remembered(ask, () => now);
    expect(await read(eth0('192.0.2.10'))).toEqual(routing('192.0.2.1'));
    now = 599_999;
    expect(await read(eth0('192.0.2.10'))).toEqual(routing('192.0.2.1'));
    now = 600_000;
    expect(await read(eth0('192.0.2.10'))).toEqual(routing('192.0.2.2'));
    expect(await read(eth0('192.0.2.11'))).toEqual(routing('192.0.2.3'));
    expect(ask).toHaveBeenCalledTimes(3);
  });

  it('keeps its last answer while asking fails, and is asked again 15 s later or at another address', async () => {
    const answers = [undefined, routing('192.0.2.1'), undefined, routing('192.0.2.2'), undefined];
    let now = 0;
    const read = remembered(
      () => Promise.resolve(answers.shift()),
      () => now,
    );
    expect(await read(eth0('192.0.2.10'))).toEqual({ routes: [], searchDomains: [] });
    now += 15_000;
    expect(await read(eth0('192.0.2.10'))).toEqual(routing('192.0.2.1'));
    now += 600_000;
    expect(await read(eth0('192.0.2.10'))).toEqual(routing('192.0.2.1'));
    expect(await read(eth0('192.0.2.11'))).toEqual(routing('192.0.2.2'));
    expect(answers).toHaveLength(1);
  });

  it('is asked less and less often where it never answers, so that it costs nobody a second of CPU every 15 s', async () => {
    let now = 0;
    const ask = vi.fn(() => Promise.resolve(undefined));
    const read = remembered(ask, () => now);
    for (; now < 3_600_000; now += 15_000) await read(eth0('192.0.2.10'));
    // At 0 s, then after 15, 30, 60, 120, 240 and 480 s, then every ten minutes.
    expect(ask).toHaveBeenCalledTimes(11);
  });
});
