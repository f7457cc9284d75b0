import { describe, expect, it } from 'vitest';
import { CHANGE, type LostChanges, type RawChange } from '../fim/change.ts';
import type { RuleSet } from '../fim/rule-set.ts';
import type { ChangeSource, SourceEvents } from '../fim/source.ts';
import { change } from '../fim/testing/changes.ts';
import { ruleWith } from '../fim/testing/fim-rules.ts';
import { SteppedTimers } from '../testing/timers.ts';
import { CANARY_EVERY_MS, CANARY_WAIT_MS } from './canary.ts';
import { FileWatch } from './file-watch.ts';

const CANARY = '/var/lib/wayfarer/sensor/canary';
const ETC = [ruleWith({ path: '/etc' })];

/** A source in a test's hands. */
class ScriptedSource implements ChangeSource {
  readonly provider: string;
  readonly actors: 'known' | 'unknown';
  readonly events: SourceEvents;
  readonly rules: RuleSet[] = [];
  stopped = 0;
  refuse: string | undefined;

  readonly #stuck: boolean;

  constructor(provider: string, events: SourceEvents, refuse?: string, stuck = false) {
    this.#stuck = stuck && refuse !== undefined;
    this.provider = provider;
    this.actors = provider === 'fanotify' ? 'known' : 'unknown';
    this.events = events;
    this.refuse = refuse;
  }
  start(rules: RuleSet): void {
    if (this.refuse !== undefined) throw new Error(this.refuse);
    this.rules.push(rules);
  }
  setRules(rules: RuleSet): void {
    this.rules.push(rules);
  }
  mounts() {
    return [{ mount: '/', filesystem: 'ext4', method: 'filesystem mark' as const }];
  }
  stop(): void {
    if (this.#stuck) throw new Error('EBADF');
    this.stopped += 1;
  }
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

/** `stuck`: a source that refused to start does not stop either. */
function open(refusals: { fanotify?: string; watcher?: string; stuck?: boolean } = {}) {
  const timers = new SteppedTimers();
  const sources: ScriptedSource[] = [];
  const heard: RawChange[] = [];
  const lost: LostChanges[] = [];
  const logged: string[] = [];
  let touched = 0;
  const make = (provider: 'fanotify' | 'watcher') => (events: SourceEvents) => {
    const source = new ScriptedSource(provider, events, refusals[provider], refusals.stuck);
    sources.push(source);
    return source;
  };
  const watch = new FileWatch({
    os: 'linux',
    now: timers.now,
    startTimer: timers.start,
    sources: [make('fanotify'), make('watcher')],
    canaryPath: CANARY,
    touchCanary: () => (touched += 1),
    changes: (changes) => heard.push(...changes),
    lost: (what) => lost.push(what),
    changed: () => undefined,
    log: (_level, message) => logged.push(message),
  });
  return { timers, sources, heard, lost, logged, watch, refusals, touched: () => touched };
}

describe('the watch over files', () => {
  it('R208 uses the best source that starts, and hands on what it hears but for the canary', async () => {
    const { watch, sources, heard } = open();
    await watch.setRules(ETC, ['/var/lib/wayfarer']);
    expect(sources.map(({ provider }) => provider)).toEqual(['fanotify']);
    sources[0]?.events.changes([change(CANARY, CHANGE.modified), change('/etc/a', CHANGE.deleted)]);
    expect(heard.map(({ path }) => path)).toEqual(['/etc/a']);
    expect(watch.state()).toMatchObject({
      provider: 'fanotify',
      actors: 'known',
      canarySeenAt: 0,
      trouble: undefined,
      mounts: [{ mount: '/' }],
    });
    expect(sources[0]?.rules[0]?.roots()).toEqual(['/etc', CANARY]);
  });

  it('takes the next source where the best is refused, and says why', async () => {
    const { watch, sources } = open({ fanotify: 'EPERM: needs CAP_SYS_ADMIN' });
    await watch.setRules(ETC, []);
    expect(sources.map(({ stopped }) => stopped)).toEqual([1, 0]);
    expect(watch.state()).toMatchObject({
      provider: 'watcher',
      actors: 'unknown',
      trouble: 'fanotify: EPERM: needs CAP_SYS_ADMIN',
    });
  });

  it('tries again, ever later, while no source starts, and then has walked what happened meanwhile', async () => {
    const { watch, sources, timers, refusals, lost } = open({ fanotify: 'no', watcher: 'ENOSPC' });
    await watch.setRules(ETC, []);
    expect(watch.state()).toMatchObject({
      provider: undefined,
      trouble: expect.stringContaining('ENOSPC') as string,
    });
    timers.pass(1_000);
    await settle();
    expect(sources).toHaveLength(4);
    timers.pass(1_999);
    await settle();
    expect(sources).toHaveLength(4);
    delete refusals.fanotify;
    timers.pass(1);
    await settle();
    expect(watch.state().provider).toBe('fanotify');
    expect(lost).toEqual([{ reason: 'restart', below: [] }]);
  });

  it('starts a source again that stopped, and has everything walked that it may have missed', async () => {
    const { watch, sources, timers, lost, heard } = open();
    await watch.setRules(ETC, []);
    sources[0]?.events.failed('read: EIO');
    sources[0]?.events.changes([change('/etc/late', CHANGE.deleted)]);
    expect(heard).toEqual([]);
    expect(watch.state()).toMatchObject({ provider: undefined, trouble: 'read: EIO' });
    timers.pass(1_000);
    await settle();
    expect(sources).toHaveLength(2);
    expect(sources[0]?.stopped).toBe(1);
    expect(lost).toEqual([{ reason: 'restart', below: [] }]);
  });

  it('R208 runs one source where other rules come while the next attempt is due, and has the gap walked', async () => {
    const { watch, sources, timers, lost } = open();
    await watch.setRules(ETC, []);
    sources[0]?.events.failed('it broke');
    await watch.setRules(ETC, []);
    expect(lost).toEqual([{ reason: 'restart', below: [] }]);
    timers.pass(60_000);
    await settle();
    expect(sources.map(({ stopped }) => stopped)).toEqual([1, 0]);
    await watch.stop();
    expect(sources.map(({ stopped }) => stopped)).toEqual([1, 1]);
  });

  it('says that a source is silent, and starts it again when it stays so', async () => {
    const { watch, sources, timers, logged } = open();
    await watch.setRules(ETC, []);
    timers.pass(CANARY_WAIT_MS);
    expect(watch.state().silent).toBe(true);
    expect(sources).toHaveLength(1);
    timers.pass(CANARY_EVERY_MS + CANARY_WAIT_MS);
    expect(logged.join()).toContain('says nothing of changes that were made');
    timers.pass(1_000);
    await settle();
    expect(sources).toHaveLength(2);
    sources[1]?.events.changes([change(CANARY, CHANGE.modified)]);
    expect(watch.state().silent).toBe(false);
  });

  it('counts what was lost and has it walked again', async () => {
    const { watch, sources, lost } = open();
    await watch.setRules(ETC, []);
    sources[0]?.events.lost({ reason: 'overflow', below: [] });
    sources[0]?.events.lost({ reason: 'mount', below: ['/mnt'] });
    sources[0]?.events.lost({ reason: 'error', below: [] });
    expect(lost.map(({ reason }) => reason)).toEqual(['overflow', 'mount', 'error']);
    expect(watch.state().overflows).toBe(2);
  });

  it('gives a running source other rules, and stops it when there are none', async () => {
    const { watch, sources, timers, touched } = open();
    await watch.setRules(ETC, []);
    await watch.setRules([ruleWith({ path: '/usr' })], []);
    expect(sources).toHaveLength(1);
    expect(sources[0]?.rules[1]?.roots()[0]).toBe('/usr');
    await watch.setRules([], []);
    expect(sources[0]?.stopped).toBe(1);
    expect(watch.state().provider).toBeUndefined();
    const before = touched();
    timers.pass(10 * CANARY_EVERY_MS);
    expect(touched()).toBe(before);
    await watch.setRules(ETC, []);
    expect(sources).toHaveLength(2);
  });

  /** A watch over sources that start only when the test has them, in the order in which they were opened. */
  function openSlow() {
    const timers = new SteppedTimers();
    const sources: ScriptedSource[] = [];
    const begin: (() => void)[] = [];
    const lost: LostChanges[] = [];
    const watch = new FileWatch({
      os: 'linux',
      now: timers.now,
      startTimer: timers.start,
      sources: [
        (events) => {
          const source = new ScriptedSource('fanotify', events);
          sources.push(source);
          return Object.assign(source, {
            start: (rules: RuleSet) => {
              source.rules.push(rules);
              return new Promise<void>((resolve) => begin.push(resolve));
            },
          });
        },
      ],
      canaryPath: CANARY,
      touchCanary: () => undefined,
      changes: () => undefined,
      lost: (what) => lost.push(what),
      changed: () => undefined,
      log: () => undefined,
    });
    return { watch, timers, sources, begin, lost };
  }

  it('lets go of a source that starts only after it was told to stop', async () => {
    const { watch, sources, begin } = openSlow();
    const starting = watch.setRules(ETC, []);
    await settle();
    await watch.stop();
    begin[0]?.();
    await starting;
    expect(sources.map(({ stopped }) => stopped)).toEqual([1]);
    expect(watch.state().provider).toBeUndefined();
  });

  it('R208 starts no second source where other rules come while one is being started, and gives it those', async () => {
    const { watch, timers, sources, begin, lost } = openSlow();
    const first = watch.setRules(ETC, []);
    await settle();
    begin[0]?.();
    await first;
    sources[0]?.events.failed('it broke');
    timers.pass(1_000);
    await settle();
    const following = watch.setRules([ruleWith({ path: '/usr' })], []);
    await settle();
    expect(sources).toHaveLength(2);
    begin[1]?.();
    await following;
    expect(sources.map(({ stopped }) => stopped)).toEqual([1, 0]);
    expect(sources[1]?.rules.map((rules) => rules.roots()[0])).toEqual(['/etc', '/usr']);
    expect(watch.state().provider).toBe('fanotify');
    expect(lost).toEqual([{ reason: 'restart', below: [] }]);
    timers.pass(3_000);
    await settle();
    expect(sources).toHaveLength(2);
  });

  it('starts a source for new rules only once the one that was told to stop is gone', async () => {
    const { watch, sources, begin } = openSlow();
    const first = watch.setRules(ETC, []);
    await settle();
    await watch.stop();
    const second = watch.setRules([ruleWith({ path: '/usr' })], []);
    await settle();
    expect(sources).toHaveLength(1);
    begin[0]?.();
    await settle();
    expect(sources.map(({ stopped }) => stopped)).toEqual([1, 0]);
    begin[1]?.();
    await Promise.all([first, second]);
    expect(watch.state().provider).toBe('fanotify');
    expect(sources[1]?.rules[0]?.roots()[0]).toBe('/usr');
  });

  it('takes the next source, and says so, where the first can neither start nor stop', async () => {
    const { watch, sources, logged, refusals } = open({ fanotify: 'EPERM' });
    refusals.stuck = true;
    await watch.setRules(ETC, []);
    expect(sources.map(({ provider }) => provider)).toEqual(['fanotify', 'watcher']);
    expect(watch.state().provider).toBe('watcher');
    expect(logged.join()).toContain('not stopped cleanly');
  });
});
