import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventRecord, type QueuedRecord } from './event-queue.ts';
import { GAP_SIZE, recordSize } from './eviction.ts';
import { type Store } from './open.ts';
import { copyAsKilled, DRIVERS, openTest, withDir } from './store.fixture.ts';

/** One entry of the model: a record, or a gap that stands for the records in it. */
type Entry = { readonly record: EventRecord } | { readonly lost: EventRecord[] };

interface StreamModel {
  /** Oldest first; the first `inFlight` of them were handed out. */
  entries: Entry[];
  inFlight: number;
  limit: number;
  dropped: number;
}

interface Real {
  store: Store;
  /** Ends the store as a kill would and opens what it left. */
  readonly crash: () => Promise<void>;
  readonly reopen: () => Promise<void>;
}

type Model = Record<string, StreamModel>;

const sizeOf = (entry: Entry): number =>
  'lost' in entry ? GAP_SIZE : recordSize(entry.record.id, entry.record.body);

const sizeOfAll = (entries: readonly Entry[]): number =>
  entries.reduce((sum, entry) => sum + sizeOf(entry), 0);

/** Evicts one record at a time, the way one would on paper. */
function evict(stream: StreamModel): void {
  while (sizeOfAll(stream.entries) > stream.limit) {
    const at = stream.entries.findIndex((entry, index) => index >= stream.inFlight && 'record' in entry);
    if (at < 0) return;
    const [gone] = stream.entries.splice(at, 1) as [{ record: EventRecord }];
    stream.dropped += 1;
    const gap = stream.entries[stream.inFlight];
    if (gap !== undefined && 'lost' in gap) gap.lost.push(gone.record);
    else stream.entries.splice(stream.inFlight, 0, { lost: [gone.record] });
  }
}

const plain = (entry: Entry): unknown =>
  'record' in entry
    ? { ...entry.record }
    : {
        count: entry.lost.length,
        bytes: entry.lost.reduce((sum, { id, body }) => sum + recordSize(id, body), 0),
        firstAt: Math.min(...entry.lost.map((record) => record.at)),
        lastAt: Math.max(...entry.lost.map((record) => record.at)),
      };

const plainReal = (record: QueuedRecord): unknown =>
  record.gap ? { ...record.loss } : { id: record.id, at: record.at, body: record.body };

/** What must hold after every step. */
function compare(model: Model, { store }: Real): void {
  const stats = store.events.stats();
  expect(Object.keys(stats).sort()).toEqual(Object.keys(model).sort());
  for (const [name, stream] of Object.entries(model)) {
    expect(stats[name]).toMatchObject({
      records: stream.entries.filter((entry) => 'record' in entry).length,
      bytes: sizeOfAll(stream.entries),
      dropped: stream.dropped,
    });
    const evictable = stream.entries.some((entry, at) => at >= stream.inFlight && 'record' in entry);
    if (evictable) expect(stats[name]?.bytes).toBeLessThanOrEqual(stream.limit);
  }
}

const streamOf = (model: Model, name: string): StreamModel =>
  (model[name] ??= { entries: [], inFlight: 0, limit: 64 * 1024 * 1024, dropped: 0 });

type Command = fc.AsyncCommand<Model, Real>;

const command = (name: string, run: (model: Model, real: Real) => void | Promise<void>): Command => ({
  check: () => true,
  run: async (model, real) => {
    await run(model, real);
    compare(model, real);
  },
  toString: () => name,
});

const NAME = fc.constantFrom('activity', 'fim');
const RECORD = fc.record({
  id: fc.integer({ min: 0, max: 60 }).map((n) => `id-${n}`),
  at: fc.integer({ min: 0, max: 10_000 }),
  body: fc.string({ maxLength: 300, unit: 'binary' }).map((body) => body.replaceAll('\0', '')),
});

const enqueue = fc.tuple(NAME, fc.array(RECORD, { minLength: 1, maxLength: 12 })).map(([name, records]) =>
  command(`enqueue ${name} ${JSON.stringify(records)}`, (model, { store }) => {
    store.events.enqueue(name, records);
    const stream = streamOf(model, name);
    for (const record of records) {
      const known = stream.entries.some((entry) => 'record' in entry && entry.record.id === record.id);
      if (!known) stream.entries.push({ record });
    }
    evict(stream);
  }),
);

const peek = fc
  .tuple(NAME, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 3_000 }))
  .map(([name, maxRecords, maxBytes]) =>
    command(`peek ${name} ${maxRecords} ${maxBytes}`, (model, { store }) => {
      const stream = model[name];
      let expected: Entry[] = [];
      for (const entry of stream?.entries ?? []) {
        const next = [...expected, entry];
        if (expected.length > 0 && (next.length > maxRecords || sizeOfAll(next) > maxBytes)) break;
        expected = next;
      }
      if (stream !== undefined) stream.inFlight = Math.max(stream.inFlight, expected.length);
      expect(store.events.peek(name, { maxRecords, maxBytes }).map(plainReal)).toEqual(expected.map(plain));
    }),
  );

const acknowledge = fc.tuple(NAME, fc.nat({ max: 10 })).map(([name, pick]) =>
  command(`acknowledge ${name} ${pick}`, (model, { store }) => {
    const stream = model[name];
    if (stream === undefined || stream.inFlight === 0) return;
    const count = 1 + (pick % stream.inFlight);
    const handedOut = store.events.peek(name, { maxRecords: count, maxBytes: 1_000_000 });
    expect(store.events.acknowledge(name, handedOut[count - 1]!.position)).toBe(count);
    stream.entries.splice(0, count);
    stream.inFlight -= count;
  }),
);

const setLimit = fc.tuple(NAME, fc.integer({ min: 500, max: 4_000 })).map(([name, limit]) =>
  command(`limit ${name} ${limit}`, (model, { store }) => {
    store.events.setLimit(name, limit);
    const stream = streamOf(model, name);
    stream.limit = limit;
    evict(stream);
  }),
);

const crash = fc.constant(command('crash', (_, real) => real.crash()));
const reopen = fc.constant(command('reopen', (_, real) => real.reopen()));

describe.each(DRIVERS)('event queue over %s against a model', (driver) => {
  it('R008 delivers every record in order or counts it in a gap, through crashes and evictions', () =>
    withDir(async (root) => {
      let directories = 0;
      const newDir = (): string => {
        const dir = join(root, String((directories += 1)));
        mkdirSync(dir);
        return dir;
      };
      const start = async (): Promise<Real> => {
        let dir = newDir();
        const real: Real = {
          store: (await openTest(dir, driver)).store,
          crash: async () => {
            const left = newDir();
            copyAsKilled(dir, left);
            real.store.close();
            dir = left;
            real.store = (await openTest(dir, driver)).store;
          },
          reopen: async () => {
            real.store.close();
            real.store = (await openTest(dir, driver)).store;
          },
        };
        return real;
      };
      await fc.assert(
        fc.asyncProperty(
          fc.commands([enqueue, enqueue, enqueue, peek, peek, acknowledge, setLimit, crash, reopen], {
            maxCommands: 40,
          }),
          async (commands) => {
            const real = await start();
            try {
              await fc.asyncModelRun(() => ({ model: {}, real }), commands);
            } finally {
              real.store.close();
            }
          },
        ),
        { numRuns: 100 },
      );
    }));
});
