import { describe, expect, it } from 'vitest';
import type { FromSensor, ToSensor } from '../../shared/sensor.ts';
import { CHANGE, type RawChange } from '../fim/change.ts';
import { COALESCER_LIMITS } from '../fim/coalescer.ts';
import type { ToLedger } from '../fim/ledger/messages.ts';
import type { ChangeSource, SourceEvents } from '../fim/source.ts';
import { by, change } from '../fim/testing/changes.ts';
import { SteppedTimers } from '../testing/timers.ts';
import type { LedgerEvents, ProcessSource, ProcessSourceEvents } from './ports.ts';
import { Sensor } from './session.ts';

const WATCH: Extract<ToSensor, { kind: 'watch' }> = {
  kind: 'watch',
  fim: {
    tasks: [{ id: 'etc', table: 'file_integrity', params: { kind: 'directory', path: '/etc' } }],
    rescanHours: 12,
  },
  edr: null,
  own: ['/var/lib/wayfarer'],
  sharePct: 50,
};

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not opened yet');
  return value;
}

/** A sensor between ports in a test's hands. */
function open() {
  const timers = new SteppedTimers();
  const sent: FromSensor[] = [];
  const posted: ToLedger[] = [];
  const order: string[] = [];
  const dropped: RawChange[] = [];
  const ends: number[] = [];
  let receive: (message: unknown) => void = () => undefined;
  let close: () => void = () => undefined;
  let ledger: LedgerEvents | undefined;
  let source: SourceEvents | undefined;
  let processEvents: ProcessSourceEvents | undefined;
  let drops: string[] = [];
  const processes: ProcessSource = {
    start: () => void order.push('processes start'),
    setRules: (tasks) => {
      drops = tasks === null ? [] : ['/tmp'];
      return tasks?.some(({ table }) => table === 'odd') === true ? ['odd: no such table'] : [];
    },
    attribute: () => by(1),
    dropDirectories: () => drops,
    fileChange: (each) => void dropped.push(each),
    state: () => ({ method: 'process connector', lost: 3 }),
    problems: () => [],
    stop: () => void order.push('processes stop'),
  };
  const files = (events: SourceEvents): ChangeSource => {
    source = events;
    return {
      provider: 'fanotify',
      actors: 'known',
      start: () => void order.push('files start'),
      setRules: () => void order.push('files rules'),
      mounts: () => [],
      stop: () => void order.push('files stop'),
    };
  };
  const sensor = new Sensor({
    port: {
      send: (message) => void sent.push(message),
      onMessage: (receiver) => (receive = receiver),
      onClose: (closed) => (close = closed),
    },
    os: 'linux',
    pid: 42,
    now: timers.now,
    startTimer: timers.start,
    rssBytes: () => 50_000_000,
    openLedger: (events) => {
      ledger = events;
      return {
        post: (message) => {
          posted.push(message);
          order.push(`ledger ${message.kind}`);
        },
        stop: () => {
          order.push('ledger stop');
          return Promise.resolve();
        },
      };
    },
    openProcesses: (events) => {
      processEvents = events;
      return processes;
    },
    fileSources: () => [files],
    canaryPath: '/var/lib/wayfarer/sensor/canary',
    touchCanary: () => undefined,
    onEnd: (code) => void ends.push(code),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  const of = <K extends FromSensor['kind']>(kind: K) =>
    sent.filter((message): message is Extract<FromSensor, { kind: K }> => message.kind === kind);
  return {
    ...{ timers, sent, posted, order, dropped, ends, sensor, settle, of },
    ledger: () => given(ledger),
    source: () => given(source),
    processEvents: () => given(processEvents),
    close: () => close(),
    tell: async (message: unknown) => {
      receive(message);
      await settle();
    },
    start: async () => {
      await sensor.start();
      return sensor;
    },
  };
}

describe('the sensor', () => {
  it('R199 listens before the first walk begins', async () => {
    const { start, tell, order, posted } = open();
    await start();
    await tell(WATCH);
    expect(order).toEqual(['processes start', 'files start', 'ledger rules']);
    expect(posted[0]).toMatchObject({ kind: 'rules', rescanHours: 12, sharePct: 50, own: WATCH.own });
  });

  it('R200 has changes under rules looked at, and hands on the events that come of it', async () => {
    const { start, tell, source, posted, ledger, of } = open();
    await start();
    await tell(WATCH);
    source().changes([change('/etc/a', CHANGE.deleted), change('/home/u/b', CHANGE.deleted)]);
    expect(posted.at(-1)).toMatchObject({
      kind: 'examine',
      items: [{ path: '/etc/a', provider: 'fanotify' }],
    });
    const events = [{ id: 'e1', at: 1, sequence: 1, body: '{}' }];
    ledger().message({ kind: 'events', stream: 'fim', chain: 'c', events });
    expect(of('events')).toEqual([{ kind: 'events', stream: 'fim', chain: 'c', events }]);
  });

  it('has looked at whatever is gone, for not every source knows that it was a directory', async () => {
    const { start, tell, source, posted } = open();
    await start();
    const params = { kind: 'directory', path: '/etc', include: ['*.conf'] };
    await tell({ ...WATCH, fim: { tasks: [{ id: 'c', table: 'file_integrity', params }], rescanHours: 24 } });
    source().changes([change('/etc/nginx', CHANGE.deleted), change('/etc/plain', CHANGE.closedAfterWrite)]);
    expect(posted.at(-1)).toMatchObject({ kind: 'examine', items: [{ path: '/etc/nginx' }] });
  });

  it('R207 lets the baseline rest while file integrity is off, and goes on with it afterwards', async () => {
    const { start, tell, posted, of } = open();
    await start();
    await tell(WATCH);
    await tell({ ...WATCH, fim: null, edr: { tasks: [] } });
    expect(posted.at(-1)).toEqual({ kind: 'rest' });
    expect(of('state').at(-1)?.state.fim).toBeNull();
    await tell(WATCH);
    expect(posted.at(-1)).toMatchObject({ kind: 'rules', rules: [{ id: 'etc' }] });
  });

  it('R201 sends process events through the same spool, and dropped files to the process events', async () => {
    const { start, tell, source, posted, dropped, processEvents } = open();
    await start();
    await tell({ ...WATCH, fim: null, edr: { tasks: [] } });
    source().changes([change('/tmp/x', CHANGE.closedAfterWrite), change('/etc/a', CHANGE.deleted)]);
    expect(dropped.map(({ path }) => path)).toEqual(['/tmp/x']);
    expect(posted.filter(({ kind }) => kind === 'examine')).toEqual([]);
    processEvents().events([]);
    expect(posted.at(-1)).toEqual({ kind: 'append', events: [] });
  });

  it('tells the ledger what is in the queue, and when to hold back', async () => {
    const { start, tell, posted } = open();
    await start();
    const taken = { kind: 'taken', stream: 'edr', chain: 'c', upTo: 7 } as const;
    for (const message of [taken, { kind: 'pause' }, { kind: 'resume' }]) await tell(message);
    expect(posted).toEqual([taken, { kind: 'pause' }, { kind: 'resume' }]);
  });

  it('keeps the next batch until the ledger is done with one', async () => {
    const { start, tell, source, posted, ledger } = open();
    await start();
    await tell(WATCH);
    source().changes(Array.from({ length: 1_100 }, (_, n) => change(`/etc/f${n}`, CHANGE.deleted)));
    const batches = () => posted.filter(({ kind }) => kind === 'examine').length;
    expect(batches()).toBe(2);
    ledger().message({ kind: 'examined', batch: 1 });
    expect(batches()).toBe(3);
  });

  it('looks at what it had heard also when it is told of other rules before', async () => {
    const { start, tell, source, posted, timers } = open();
    await start();
    await tell(WATCH);
    source().changes([change('/etc/open', CHANGE.modified)]);
    await tell({ ...WATCH, edr: { tasks: [] } });
    timers.pass(2_000);
    expect(posted.at(-1)).toMatchObject({ kind: 'examine', items: [{ path: '/etc/open' }] });
  });

  it('has the rules walked again where changes were lost, and shows it for an hour', async () => {
    const { start, tell, source, posted, of, timers } = open();
    await start();
    await tell(WATCH);
    source().lost({ reason: 'overflow', below: [] });
    expect(posted.at(-1)).toEqual({ kind: 'lost', lost: { reason: 'overflow', below: [] } });
    timers.pass(2_000);
    const codes = () =>
      of('state')
        .at(-1)
        ?.state.problems.map(({ code }) => code);
    expect(codes()).toEqual(['FIM_OVERFLOW']);
    for (let minute = 0; minute < 61; minute += 1) {
      source().changes([change('/var/lib/wayfarer/sensor/canary', CHANGE.modified)]);
      timers.pass(60_000);
    }
    expect(codes()).not.toContain('FIM_OVERFLOW');
  });

  it('R205 counts also what it gave up itself, since more was heard than it may keep', async () => {
    const { start, tell, source, of, timers } = open();
    await start();
    await tell(WATCH);
    const flood = COALESCER_LIMITS.pending + 1;
    source().changes(Array.from({ length: flood }, (_, n) => change(`/etc/f${n}`, CHANGE.modified)));
    timers.pass(2_000);
    const state = of('state').at(-1)?.state;
    expect(state?.fim?.overflows).toBe(1);
    expect(state?.problems.map(({ code }) => code)).toEqual(['FIM_OVERFLOW']);
  });

  it('names a rule that it can not follow, and follows the others', async () => {
    const { start, tell, of, posted } = open();
    await start();
    const odd = { id: 'odd', table: 'file_integrity', params: { kind: 'directory', path: 'relative' } };
    const absent = { id: 'gone', table: 'file_integrity', params: { kind: 'file', path: '/nowhere/x' } };
    await tell({ ...WATCH, fim: { tasks: [odd, absent, ...(WATCH.fim?.tasks ?? [])], rescanHours: 24 } });
    expect(posted[0]).toMatchObject({ kind: 'rules', rules: [{ id: 'gone' }, { id: 'etc' }] });
    const { state } = of('state').at(-1) ?? {};
    expect(state?.fim?.rules.map(({ id, state: how }) => [id, how])).toEqual([
      ['odd', 'refused'],
      ['gone', 'absent'],
      ['etc', 'watching'],
    ]);
    expect(state?.problems).toEqual([
      { code: 'FIM_INCOMPLETE', text: 'rule odd: path: not an absolute path' },
    ]);
  });

  it('R200 counts a rule as watched only while a source hears its changes', async () => {
    const { start, tell, of, source, timers } = open();
    await start();
    await tell(WATCH);
    const rules = () => of('state').at(-1)?.state.fim?.rules;
    expect(rules()).toMatchObject([{ state: 'watching' }]);
    source().failed('read: EIO');
    timers.pass(600);
    expect(rules()).toMatchObject([{ id: 'etc', state: 'unreadable', reason: 'read: EIO' }]);
  });

  it('shows what the ledger tells: the baseline, rules that it can not read, a disk that takes nothing', async () => {
    const { start, tell, ledger, timers, of } = open();
    await start();
    await tell(WATCH);
    ledger().message({
      kind: 'baseline',
      state: 'complete',
      entries: 900,
      completedAt: 0,
      nextRescanAt: 86_400_000,
      spooled: 4,
      eventsLastHour: { fim: 5, edr: 6 },
      unreadable: { count: 3, path: '/etc/x', reason: 'EACCES' },
    });
    ledger().message({ kind: 'rules', troubles: [{ id: 'etc', state: 'unreadable', reason: 'EACCES' }] });
    ledger().message({ kind: 'stopped', text: 'ENOSPC' });
    timers.pass(2_000);
    const state = of('state').at(-1)?.state;
    expect(state).toMatchObject({
      fim: {
        rules: [{ id: 'etc', state: 'unreadable', reason: 'EACCES' }],
        baseline: {
          state: 'complete',
          entries: 900,
          completedAt: '1970-01-01T00:00:00.000Z',
          nextRescanAt: '1970-01-02T00:00:00.000Z',
        },
        eventsLastHour: 5,
        actor: 'known',
      },
      edr: null,
      spooled: 4,
    });
    expect(state?.problems.map(({ code, text }) => `${code}: ${text}`)).toEqual([
      'SPOOL_STOPPED: ENOSPC',
      "FIM_INCOMPLETE: rule etc: EACCES; 3 paths can't be read, one of them /etc/x: EACCES",
    ]);
  });

  it('names tasks of process events that it can not follow', async () => {
    const { start, tell, of } = open();
    await start();
    await tell({ ...WATCH, fim: null, edr: { tasks: [{ id: 'o', table: 'odd', params: {} }] } });
    expect(of('state').at(-1)?.state).toMatchObject({
      fim: null,
      edr: { method: 'process connector', lost: 3, eventsLastHour: 0 },
      problems: [{ code: 'EDR_INCOMPLETE', text: 'not followed: odd: no such table' }],
    });
  });

  it('says that its ledger does not answer, and no longer once it does', async () => {
    const { start, tell, ledger, timers, of, posted } = open();
    await start();
    await tell({ ...WATCH, fim: null, edr: { tasks: [] } });
    timers.pass(130_000);
    // One question waits at a time, or those of a week would wait with it.
    expect(posted.filter(({ kind }) => kind === 'ping')).toHaveLength(1);
    timers.pass(2_000);
    const problems = () => of('state').at(-1)?.state.problems;
    expect(problems()).toEqual([
      {
        code: 'SPOOL_STOPPED',
        text: 'the ledger has not answered for 2 min: a filesystem that it looks at may hang',
      },
    ]);
    timers.pass(180_000);
    expect(problems()?.[0]?.text).toContain('for 5 min');
    ledger().message({ kind: 'pong' });
    timers.pass(2_000);
    expect(problems()).toEqual([]);
  });

  it('has nothing to say of a ledger that answers', async () => {
    const { start, tell, ledger, timers, of, posted } = open();
    await start();
    await tell(WATCH);
    for (let seconds = 0; seconds < 300; seconds += 10) {
      timers.pass(10_000);
      if (posted.at(-1)?.kind === 'ping') ledger().message({ kind: 'pong' });
    }
    const codes = of('state').flatMap(({ state }) => state.problems.map(({ code }) => code));
    expect(codes).not.toContain('SPOOL_STOPPED');
  });

  it('shows life every 10 s', async () => {
    const { start, timers, of } = open();
    await start();
    expect(of('ready')).toEqual([{ kind: 'ready', pid: 42 }]);
    timers.pass(30_000);
    expect(of('alive')).toHaveLength(3);
    expect(of('alive')[0]).toEqual({ kind: 'alive', rssBytes: 50_000_000 });
  });

  it('ends with its parent, closes its sources first, and says nothing more', async () => {
    const { start, close, order, ends, settle, timers, sent } = open();
    await start();
    close();
    close();
    await settle();
    expect(order).toEqual(['processes start', 'processes stop', 'ledger stop']);
    expect(ends).toEqual([0]);
    const before = sent.length;
    timers.pass(120_000);
    expect(sent.length).toBe(before);
  });

  it('ends when it is told to, and with another code when its ledger did', async () => {
    const told = open();
    await told.start();
    await told.tell({ kind: 'stop' });
    expect(told.ends).toEqual([0]);
    const lost = open();
    await lost.start();
    lost.ledger().ended('exit code 134');
    await lost.settle();
    expect(lost.ends).toEqual([1]);
    expect(lost.of('log')[0]).toMatchObject({ level: 'error', message: 'the ledger ended: exit code 134' });
  });

  it('does not take a message that it can not read', async () => {
    const { start, tell, of, posted } = open();
    await start();
    await tell({ kind: 'watch', fim: { tasks: 'all' } });
    await tell('nonsense');
    expect(posted).toEqual([]);
    expect(of('log').map(({ level }) => level)).toEqual(['error', 'error']);
  });
});
