import { describe, expect, it } from 'vitest';
import type { GoodScript, LastGood } from './last-good.ts';
import { RETRY_MS, ScriptSource } from './script-source.ts';
import { Unavailable, type LoadedScript } from './script-text.ts';

const START = Date.UTC(2026, 10, 21, 12);
const HOUR = 3_600_000;

/** A place that holds a script, or a reason why it can't be had, and counts who asks. */
function place(first: string | Unavailable) {
  const kept = new Map<string, GoodScript>();
  const lastGood: LastGood = {
    read: (key) => kept.get(key),
    write: (key, good) => {
      kept.clear();
      kept.set(key, good);
    },
  };
  const state = {
    now: START,
    content: first,
    loads: 0,
    bad: new Set<string>(),
    kept,
    hold: Promise.resolve(),
    checks: 0,
  };
  const open = (key = 'k', retryMs: number = RETRY_MS) =>
    new ScriptSource({
      location: 'http://pac/',
      key,
      load: async (signal): Promise<LoadedScript> => {
        state.loads += 1;
        await state.hold;
        if (signal.aborted) throw new Unavailable('the network changed');
        if (state.content instanceof Unavailable) throw state.content;
        return { script: state.content, freshMs: HOUR };
      },
      retryMs,
      check: (script) => {
        state.checks += 1;
        return Promise.resolve(state.bad.has(script) ? 'does not run' : undefined);
      },
      lastGood,
      now: () => state.now,
    });
  return { state, open };
}

describe('the source of a script', () => {
  it('fetches when it is first asked and again when the script is no longer fresh', async () => {
    const { state, open } = place('one');
    const source = open();
    expect(state.loads).toBe(0);
    expect(await source.current()).toEqual({ script: 'one' });
    state.content = 'two';
    state.now += HOUR - 1;
    expect(await source.current()).toEqual({ script: 'one' });
    state.now += 1;
    expect(await source.current()).toEqual({ script: 'two' });
    expect(state.loads).toBe(2);
  });

  it('fetches once for all who ask meanwhile', async () => {
    const { state, open } = place('one');
    const source = open();
    await Promise.all([source.current(), source.current(), source.current()]);
    expect(state.loads).toBe(1);
  });

  it('keeps the last good script when a newer one can not be had, and says since when', async () => {
    const { state, open } = place('one');
    const source = open();
    await source.current();
    state.content = new Unavailable("can't be fetched: ECONNREFUSED");
    state.now += HOUR;
    expect(await source.current()).toEqual({
      script: 'one',
      problem: "http://pac/ can't be fetched: ECONNREFUSED; the copy of 2026-11-21T12:00:00.000Z is used",
    });
    state.content = 'two';
    state.now += RETRY_MS;
    expect(await source.current()).toEqual({ script: 'two' });
  });

  it('keeps the last good script when a newer one does not run', async () => {
    const { state, open } = place('one');
    const source = open();
    await source.current();
    state.content = 'broken';
    state.bad.add('broken');
    state.now += HOUR;
    expect(await source.current()).toMatchObject({
      script: 'one',
      problem: expect.stringContaining('http://pac/ does not run; the copy of') as string,
    });
    expect(state.kept.get('k')?.script).toBe('one');
  });

  it('tries a file that does not run once a minute, not at each connection', async () => {
    const { state, open } = place('broken');
    state.bad.add('broken');
    const source = open('k', 0);
    const broken = { problem: 'http://pac/ does not run' };
    expect(await source.current()).toEqual(broken);
    state.now += RETRY_MS - 1;
    expect(await source.current()).toEqual(broken);
    expect([state.loads, state.checks]).toEqual([2, 1]);
    state.content = 'mended';
    expect(await source.current()).toEqual({ script: 'mended' });
  });

  it('tries it again after that minute: the machine may have been too busy to run it', async () => {
    const { state, open } = place('slow');
    state.bad.add('slow');
    const source = open('k', 0);
    await source.current();
    state.bad.clear();
    state.now += RETRY_MS;
    expect(await source.current()).toEqual({ script: 'slow' });
  });

  it('takes the copy that outlived the agent, of the same location only', async () => {
    const { state, open } = place('one');
    await open().current();
    state.content = new Unavailable('is away');
    state.now += 5 * HOUR;
    expect(await open().current()).toEqual({
      script: 'one',
      problem: 'http://pac/ is away; the copy of 2026-11-21T12:00:00.000Z is used',
    });
    expect(await open('other').current()).toEqual({ problem: 'http://pac/ is away' });
  });

  it('asks a server that failed again after a minute, not at each connection', async () => {
    const { state, open } = place(new Unavailable('is away'));
    const source = open();
    await source.current();
    state.now += RETRY_MS - 1;
    expect(await source.current()).toEqual({ problem: 'http://pac/ is away' });
    expect(state.loads).toBe(1);
    state.now += 1;
    await source.current();
    expect(state.loads).toBe(2);
  });

  it('asks at once when the network changed', async () => {
    const { state, open } = place(new Unavailable('is away'));
    const source = open();
    await source.current();
    state.content = 'one';
    source.refresh();
    expect(await source.current()).toEqual({ script: 'one' });
  });

  it('does not let what the old network said count in the new one', async () => {
    const { state, open } = place('one');
    const source = open();
    let release = (): void => undefined;
    state.hold = new Promise((resolve) => {
      release = resolve;
    });
    const old = source.current();
    source.refresh();
    state.hold = Promise.resolve();
    expect(await source.current()).toEqual({ script: 'one' });
    release();
    expect(await old).toEqual({ script: 'one' });
    expect(await source.current()).toEqual({ script: 'one' });
    expect(state.loads).toBe(2);
  });

  it('fetches when the clock was set back: nobody knows how old the script is', async () => {
    const { state, open } = place('one');
    const source = open();
    await source.current();
    state.now -= 10 * 365 * 24 * HOUR;
    await source.current();
    expect(state.loads).toBe(2);
  });

  it('checks and writes a script only when it is another one', async () => {
    const { state, open } = place('one');
    const source = open();
    await source.current();
    state.kept.clear();
    state.bad.add('one');
    state.now += HOUR;
    expect(await source.current()).toEqual({ script: 'one' });
    expect(state.kept.size).toBe(0);
  });
});
