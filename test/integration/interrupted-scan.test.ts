import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { bindTable, type Table } from '../../src/collector/bind.ts';
import { CollectorSession } from '../../src/collector/session.ts';
import { Unreadable, type KeyedRow } from '../../src/collector/table.ts';
import { contextOn } from '../../src/collector/testing/host.ts';
import { fakeTable, rowsWith } from '../../src/collector/testing/tables.ts';
import type { StartCollector } from '../../src/main/agent/collector-process.ts';
import { Rig } from '../../src/main/agent/testing/rig.ts';
import type { Item } from '../../src/shared/rows.ts';

/** Overlaps with its neighbours: keys come twice over the borders of tasks. */
const spans: Table = bindTable({
  name: 'spans',
  group: 'probes',
  description: 'Numbers from a first one on.',
  key: 'the number',
  columns: { value: 'the number' },
  cost: 'low',
  params: z.object({ from: z.number(), count: z.number() }),
  readers: {
    linux: {
      source: 'the test',
      root: 'no',
      *read(_context, { from, count }): Generator<KeyedRow> {
        for (let n = from; n < from + count; n += 1) yield { key: String(n), row: { value: n } };
      },
    },
  },
});

const tables: Table[] = [
  spans,
  fakeTable('sampled', () => rowsWith('s1', 's2'), { prepare: () => undefined }),
  fakeTable('broken', function* () {
    yield* rowsWith('kept', 'kept');
    throw new Unreadable('needs root');
  }),
];

const span = (id: string, from: number, count: number) => ({ id, table: 'spans', params: { from, count } });

/** Several batches in one task, doubles within and between tasks, one that fails, one that is read last, one read before. */
const TASKS = [
  { id: 'sampled', table: 'sampled', params: {} },
  span('few', 0, 20),
  span('many', 10, 1_200),
  { id: 'broken', table: 'broken', params: {} },
  span('few-again', 0, 20),
  span('last', 1_200, 30),
  { id: 'unknown', table: 'unknown', params: {} },
];

/**
 * Real collectors in this process that end in place of a message: each after so many more of them, but never two in the
 * same task, which would be left out.
 */
function dying(deaths: number[], end: () => void): StartCollector {
  return (events) => {
    let receive: (message: unknown) => void = () => undefined;
    let alive = true;
    let countdown = deaths.shift();
    let hasFinishedTask = false;
    const session = new CollectorSession({
      port: {
        send: (message) => {
          if (!alive) return;
          const mayDie = message.kind !== 'ready' && hasFinishedTask;
          if (mayDie && countdown !== undefined && (countdown -= 1) < 0) {
            alive = false;
            events.ended('SIGKILL');
            return;
          }
          if (message.kind === 'task') hasFinishedTask = true;
          if (message.kind === 'done') end();
          queueMicrotask(() => {
            events.message(message);
          });
        },
        onMessage: (receiver) => (receive = receiver),
        onClose: () => undefined,
      },
      os: 'linux',
      pid: 1,
      tables,
      contextFor: (_pace, signal) => contextOn('/', { signal }),
      cpuMs: () => 0,
      rssBytes: () => 0,
      onWatch: () => undefined,
      startTimer: () => () => undefined,
      onEnd: () => undefined,
    });
    queueMicrotask(() => {
      session.start();
    });
    return {
      pid: 1,
      send: (message) => {
        if (alive) receive(message);
      },
      stop: () => Promise.resolve(),
    };
  };
}

/** What the platform holds in the end, and how many collectors it took. */
async function sealedRows(deaths: readonly number[]): Promise<{ items: Item[]; collectors: number }> {
  const rig = new Rig();
  let ends = 0;
  let collectors = 0;
  const start = dying([...deaths], () => (ends += 1));
  Object.assign(rig.collector, {
    start: ((events) => {
      collectors += 1;
      return start(events);
    }) satisfies StartCollector,
  });
  rig.platform.tasks = TASKS;
  try {
    await rig.start();
    for (let n = 0; n < 100 && rig.facts.types.Inventory?.seq !== 1; n += 1) await rig.pass(1_000);
    expect(ends).toBe(1);
    expect(rig.conditions).toEqual(['TABLE_ERRORS']);
    return { items: rig.platform.itemsOf('Inventory'), collectors };
  } finally {
    await rig.dispose();
  }
}

it(
  'a scan gives the same rows wherever its collectors end, doubled keys and collection_errors included',
  { timeout: 120_000 },
  async () => {
    const whole = await sealedRows([]);
    expect(whole.collectors).toBe(1);
    expect(whole.items).toHaveLength(1_230 + 2 + 1 + 4);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }), async (deaths) => {
        const { items, collectors } = await sealedRows(deaths);
        expect(collectors).toBeGreaterThan(1);
        expect(items).toEqual(whole.items);
      }),
      { numRuns: 30 },
    );
  },
);
