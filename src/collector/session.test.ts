import { describe, expect, it, vi } from 'vitest';
import type { FromCollector, ToCollector, WatchedPath } from '../shared/collector.ts';
import { shortKey } from '../wire/item.ts';
import type { Table } from './bind.ts';
import type { Port } from './port.ts';
import { CollectorSession } from './session.ts';
import { contextOn } from './testing/host.ts';
import { fakeTable, rowsWith } from './testing/tables.ts';

/** A session over a pair of functions in place of a process. */
function open(tables: Table[]) {
  const sent: FromCollector[] = [];
  let receive: (message: unknown) => void = () => undefined;
  let close: () => void = () => undefined;
  let ends = 0;
  const watched: (readonly WatchedPath[])[] = [];
  const timers: { ms: number; fire: () => void }[] = [];
  const port: Port = {
    send: (message) => sent.push(message),
    onMessage: (receiver) => (receive = receiver),
    onClose: (closed) => (close = closed),
  };
  const session = new CollectorSession({
    port,
    os: 'linux',
    pid: 42,
    tables,
    contextFor: (_pace, signal) => contextOn('/', { signal }),
    cpuMs: () => 7,
    rssBytes: () => 90_000_000,
    startTimer: (ms, fire) => {
      timers.push({ ms, fire });
      return () => undefined;
    },
    onWatch: (paths) => watched.push(paths),
    onEnd: () => (ends += 1),
  });
  session.start();
  const of = <K extends FromCollector['kind']>(kind: K) =>
    sent.filter((message): message is Extract<FromCollector, { kind: K }> => message.kind === kind);
  return {
    session,
    sent,
    watched,
    timers,
    of,
    ends: () => ends,
    close: () => close(),
    tell: (message: unknown) => receive(message),
  };
}

function job(id: number, table: string, credit = 8): ToCollector {
  const tasks = [{ id: 'task', table, params: {} }];
  return {
    kind: 'collect',
    job: id,
    type: 'Inventory',
    tasks,
    pace: { cpuLimitPct: 100, cpuThrottleMs: 0 },
    credit,
  };
}

const many = fakeTable('many', function* () {
  for (let index = 0; index < 2_000; index += 1) yield* rowsWith(`row ${index}`);
});
const few = fakeTable('few', () => rowsWith('a', 'b'));

async function* hang() {
  await new Promise(() => undefined);
  yield* rowsWith('never');
}
const hanging = fakeTable('hanging', hang);

describe('a collector session', () => {
  it('says what it can read, then collects what it is told', async () => {
    const { of, sent, tell } = open([few]);
    expect(sent).toEqual([{ kind: 'ready', pid: 42, tables: ['few'] }]);
    tell(job(1, 'few'));
    await vi.waitFor(() => {
      expect(of('done')).toHaveLength(1);
    });
    expect(sent.map(({ kind }) => kind)).toEqual(['ready', 'started', 'batch', 'task', 'done']);
    expect(of('done')[0]).toMatchObject({ job: 1, rows: 2, tables: { few: 2 }, errors: [], cpuMs: 0 });
  });

  it('never has more unanswered batches than it has credit for', async () => {
    const { of, tell } = open([many]);
    tell(job(1, 'many', 2));
    await vi.waitFor(() => {
      expect(of('batch')).toHaveLength(2);
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(of('batch')).toHaveLength(2);
    tell({ kind: 'credit', job: 2, batches: 5 });
    tell({ kind: 'credit', job: 1, batches: 1 });
    await vi.waitFor(() => {
      expect(of('batch')).toHaveLength(3);
    });
    expect(of('done')).toHaveLength(0);
    tell({ kind: 'credit', job: 1, batches: 1 });
    await vi.waitFor(() => {
      expect(of('done')).toHaveLength(1);
    });
    expect(of('batch').flatMap(({ items }) => items)).toHaveLength(2_000);
  });

  it('refuses a second collection while one runs, and takes the next after a cancel', async () => {
    const { of, tell } = open([hanging, few]);
    tell(job(1, 'hanging'));
    tell(job(2, 'few'));
    expect(of('failed')).toEqual([{ kind: 'failed', job: 2, reason: 'another collection is running' }]);
    tell({ kind: 'cancel', job: 2 });
    tell({ kind: 'cancel', job: 1 });
    await vi.waitFor(() => {
      expect(of('failed')[1]).toEqual({ kind: 'failed', job: 1, reason: 'cancelled' });
    });
    tell(job(3, 'few'));
    await vi.waitFor(() => {
      expect(of('done')[0]?.job).toBe(3);
    });
  });

  it('shows life, memory and CPU every 2 s while a job runs, and no longer', async () => {
    const { of, tell, timers } = open([hanging]);
    tell(job(1, 'hanging'));
    const fireAll = (): void => {
      for (const { ms, fire } of timers.splice(0)) if (ms === 2_000) fire();
    };
    fireAll();
    fireAll();
    expect(of('alive')).toEqual(Array(2).fill({ kind: 'alive', job: 1, rssBytes: 90_000_000, cpuMs: 0 }));
    tell({ kind: 'cancel', job: 1 });
    await vi.waitFor(() => {
      expect(of('failed')).toHaveLength(1);
    });
    fireAll();
    expect(of('alive')).toHaveLength(2);
    expect(timers.filter(({ ms }) => ms === 2_000)).toEqual([]);
  });

  it('goes on with a job that another began, knowing its keys and what it finished', async () => {
    const { of, tell } = open([few, many]);
    const tasks = [
      { id: 'f', table: 'few', params: {} },
      { id: 'g', table: 'few', params: {} },
      { id: 'm', table: 'many', params: {} },
    ];
    tell({ kind: 'known', job: 6, keys: [shortKey('many\u001frow 1')] });
    tell({ kind: 'known', job: 7, keys: [shortKey('few\u001fa')] });
    tell({ kind: 'known', job: 7, keys: [shortKey('many\u001frow 0')] });
    tell({ ...job(7, 'few'), tasks, finished: ['f'] });
    await vi.waitFor(() => {
      expect(of('done')).toHaveLength(1);
    });
    expect(of('task').map(({ id, rows }) => [id, rows])).toEqual([
      ['g', 0],
      ['m', 1_999],
    ]);
  });

  it('rests between rows while it is paused, shows life, and can be cancelled in a pause', async () => {
    const { of, tell, timers } = open([many]);
    tell(job(1, 'many'));
    tell({ kind: 'pause', job: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    for (const { ms, fire } of timers.splice(0)) if (ms === 2_000) fire();
    expect([of('alive').length, of('batch').length]).toEqual([1, 0]);
    tell({ kind: 'resume', job: 1 });
    await vi.waitFor(() => {
      expect(of('done')).toHaveLength(1);
    });
    tell(job(2, 'many'));
    tell({ kind: 'pause', job: 2 });
    tell({ kind: 'cancel', job: 2 });
    await vi.waitFor(() => {
      expect(of('failed')).toEqual([{ kind: 'failed', job: 2, reason: 'cancelled' }]);
    });
  });

  it('cancels while it waits for credit', async () => {
    const { of, tell } = open([many]);
    tell(job(1, 'many', 1));
    await vi.waitFor(() => {
      expect(of('batch')).toHaveLength(1);
    });
    tell({ kind: 'cancel', job: 1 });
    await vi.waitFor(() => {
      expect(of('failed')).toEqual([{ kind: 'failed', job: 1, reason: 'cancelled' }]);
    });
  });

  it.each([
    null,
    'text',
    { kind: 'unknown' },
    { kind: 'collect', job: 0 },
    { kind: 'credit', job: 1, batches: 1e9 },
  ])('logs the message %j and goes on', (message) => {
    const { of, tell, session } = open([few]);
    tell(message);
    expect(of('log')).toEqual([expect.objectContaining({ level: 'warn' })]);
    session.changed(['deb'], 'package database changed');
    expect(of('changed')).toEqual([
      { kind: 'changed', tables: ['deb'], types: [], reason: 'package database changed' },
    ]);
  });

  it('watches the files that it is told, and names the types that look at one that changed', () => {
    const { session, of, watched, tell } = open([]);
    const paths = [{ path: '/etc/hosts', types: ['UDC'] }];
    tell({ kind: 'watch', paths });
    tell({ kind: 'watch', paths: [{ path: '/etc/hosts', types: ['NOTHING'] }] });
    expect(watched).toEqual([paths]);
    session.configurationChanged(['UDC'], 'configuration changed: /etc/hosts');
    expect(of('changed')).toEqual([
      { kind: 'changed', tables: [], types: ['UDC'], reason: 'configuration changed: /etc/hosts' },
    ]);
  });

  it('ends once, on stop or when the channel is gone, and says nothing after that', () => {
    const { session, sent, ends, close, tell } = open([hanging]);
    tell(job(1, 'hanging'));
    tell({ kind: 'stop' });
    close();
    session.log('info', 'too late');
    expect(ends()).toBe(1);
    expect(sent.map(({ kind }) => kind)).toEqual(['ready', 'started']);
  });
});
