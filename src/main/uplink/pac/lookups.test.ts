import { describe, expect, it } from 'vitest';
import { facingAddress, Lookups, systemResolver, type Resolver } from './lookups.ts';
import { UnknownName } from './sandbox.ts';

const resolver: Resolver = {
  ipv4: (name) => Promise.resolve(name === 'a' ? ['192.0.2.1'] : []),
  all: () => Promise.resolve(['192.0.2.1', '2001:db8::1']),
  own: () => Promise.reject(new Error('no network')),
};

/** What a question throws. */
function thrownBy(ask: () => unknown): UnknownName {
  try {
    ask();
  } catch (error) {
    if (error instanceof UnknownName) return error;
  }
  throw new Error('nothing was unknown');
}

describe('the names of one evaluation', () => {
  it('are unknown once and known from then on', async () => {
    const lookups = new Lookups(resolver, { lookups: 5, lookupMs: 1_000 }, () => 0);
    await lookups.find(thrownBy(() => lookups.names.ipv4('a')));
    expect(lookups.names.ipv4('a')).toBe('192.0.2.1');
    await lookups.find(thrownBy(() => lookups.names.all('a')));
    expect(lookups.names.all('a')).toEqual(['192.0.2.1', '2001:db8::1']);
    await lookups.find(thrownBy(() => lookups.names.own()));
    expect(lookups.names.own()).toEqual([]);
  });

  it('are not looked up any more when the time for all of them is over', async () => {
    let clock = 0;
    const slow: Resolver = {
      ...resolver,
      ipv4: () => {
        clock += 60;
        return Promise.resolve(['192.0.2.9']);
      },
    };
    const lookups = new Lookups(slow, { lookups: 5, lookupMs: 100 }, () => clock);
    await lookups.find(thrownBy(() => lookups.names.ipv4('a')));
    await lookups.find(thrownBy(() => lookups.names.ipv4('b')));
    expect(lookups.names.ipv4('b')).toBe('192.0.2.9');
    expect(lookups.names.ipv4('c')).toBeUndefined();
  });
});

describe("the system's resolver", () => {
  it('knows this host and not the name that never exists', async () => {
    expect(await systemResolver.ipv4('localhost')).toEqual(['127.0.0.1']);
    expect(await systemResolver.all('localhost')).toContain('127.0.0.1');
    await expect(systemResolver.ipv4('nobody.invalid')).rejects.toThrow();
    for (const address of await systemResolver.own())
      expect(address).not.toMatch(/^(127\.|::1$|fe80:|169\.254\.|0\.0\.0\.0$|::$)/);
  });

  it('knows no address that faces a place without a way to it', async () => {
    // The kernel refuses this one on every network, as it refuses all others without one.
    expect(await facingAddress('udp4', '255.255.255.255')).toBeUndefined();
    expect(await facingAddress('udp4', '127.0.0.1')).toBe('127.0.0.1');
  });
});
