import { describe, expect, it } from 'vitest';
import type { KeyedRow, ReadContext } from './table.ts';
import { TwoSamples } from './two-samples.ts';

/** A host whose rows change by hand and whose clock moves only when somebody sleeps. */
function host(more: Partial<ReadContext> = {}) {
  const state = { now: 1_000_000, slept: 0, taken: 0, keys: ['a', 'b'] };
  const samples = new TwoSamples((): KeyedRow[] => {
    state.taken += 1;
    return state.keys.map((key) => ({ key, row: { name: key } }));
  });
  const context = {
    root: '/',
    now: () => state.now,
    sleep: (ms: number) => {
      state.slept += ms;
      state.now += ms;
      return Promise.resolve();
    },
    ...more,
  } as Partial<ReadContext> as ReadContext;
  const read = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of samples.read(context)) keys.push(key);
    return keys;
  };
  return { state, samples, context, read };
}

describe('rows that stay', () => {
  it('are those of two samples 10 s apart', async () => {
    const { state, samples, context, read } = host();
    await samples.prepare(context);
    state.keys = ['b', 'c'];
    expect(await read()).toEqual(['b']);
    expect(state.slept).toBe(10_000);
  });

  it('are those of two samples as far apart as development asks', async () => {
    const { state, read } = host({ samplesApartMs: 500 });
    await read();
    expect(state).toMatchObject({ slept: 500, taken: 2 });
    state.now += 499;
    await read();
    expect(state.taken).toBe(2);
    state.now += 1;
    await read();
    expect(state).toMatchObject({ slept: 500, taken: 3 });
  });

  it('are answered at once to a collection within the next 10 s', async () => {
    const { state, samples, context, read } = host();
    await read();
    state.now += 9_999;
    state.keys = ['b'];
    await samples.prepare(context);
    expect(await read()).toEqual(['a', 'b']);
    expect(state).toMatchObject({ slept: 10_000, taken: 2 });
  });

  it('take one more sample and no waiting from 10 s on', async () => {
    const { state, read } = host();
    await read();
    state.now += 10_000;
    state.keys = ['b'];
    expect(await read()).toEqual(['b']);
    expect(state).toMatchObject({ slept: 10_000, taken: 3 });
  });

  it('begin anew after ten minutes and after the clock was set back', async () => {
    for (const jump of [600_001, -1]) {
      const { state, read } = host();
      await read();
      state.now += jump;
      await read();
      expect(state).toMatchObject({ slept: 20_000, taken: 4 });
    }
  });
});
