import { describe, expect, it } from 'vitest';
import { lazyNegotiate } from './lazy-negotiate.ts';
import type { Negotiate } from './proxy-authentication.ts';

/** Counts contexts that were begun and closed; its tokens say for whom and after what. */
function counting() {
  const counts = { begun: 0, closed: 0 };
  const negotiate: Negotiate = (host) => {
    counts.begun += 1;
    return {
      step: (token) => Promise.resolve(`${host} after ${token ?? 'nothing'}`),
      close: () => {
        counts.closed += 1;
      },
    };
  };
  return { counts, negotiate };
}

describe('Negotiate that is loaded when it is needed', () => {
  it('begins one handshake, and closes it', async () => {
    const { counts, negotiate } = counting();
    const handshake = lazyNegotiate(() => Promise.resolve(negotiate))('proxy.example');
    expect(await handshake.step()).toBe('proxy.example after nothing');
    expect(await handshake.step('t')).toBe('proxy.example after t');
    handshake.close();
    expect(counts).toEqual({ begun: 1, closed: 1 });
  });

  it('begins nothing when it was closed while the library loaded', async () => {
    const { counts, negotiate } = counting();
    let loaded: (negotiate: Negotiate) => void = () => undefined;
    const loading = new Promise<Negotiate>((resolve) => {
      loaded = resolve;
    });
    const handshake = lazyNegotiate(() => loading)('proxy.example');
    const step = handshake.step();
    handshake.close();
    loaded(negotiate);
    await expect(step).rejects.toThrow('ended');
    expect(counts).toEqual({ begun: 0, closed: 0 });
  });

  it('names why there is no library, and asks for it again the next time', async () => {
    const { negotiate } = counting();
    const answers = [Promise.reject<Negotiate>(new Error('not installed')), Promise.resolve(negotiate)];
    const lazy = lazyNegotiate(() => answers.shift()!);
    await expect(lazy('a').step()).rejects.toThrow('not installed');
    expect(await lazy('a').step()).toBe('a after nothing');
  });
});
