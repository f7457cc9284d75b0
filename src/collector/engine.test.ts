import { describe, expect, it } from 'vitest';
import type { Item } from '../shared/rows.ts';
import type { Table } from './bind.ts';
import type { StartTimer } from './debounce.ts';
import { Engine, type Earlier, type Summary, type TaskReport } from './engine.ts';
import { shortKey } from '../wire/item.ts';
import { Unreadable, type KeyedRow, type ReadContext } from './table.ts';
import { contextOn } from './testing/host.ts';
import { fakeTable, rowsWith } from './testing/tables.ts';

interface Run {
  readonly summary: Summary;
  readonly items: Item[];
  readonly batches: number[];
  readonly reports: TaskReport[];
  readonly log: string[];
  /** Ids of tasks, as they were said to begin. */
  readonly began: string[];
}

interface TaskLike {
  readonly id: string;
  readonly table: string;
  readonly params?: Record<string, string>;
}

async function collect(
  tables: Table[],
  tasks: TaskLike[],
  context: ReadContext = contextOn('/'),
  startTimer?: StartTimer,
  earlier?: Earlier,
): Promise<Run> {
  const items: Item[] = [];
  const batches: number[] = [];
  const reports: TaskReport[] = [];
  const began: string[] = [];
  const log: string[] = [];
  const engine = new Engine({
    context,
    ...(startTimer === undefined ? {} : { startTimer }),
    tableNamed: (name) => tables.find((table) => table.name === name),
    sink: {
      batch: (batch) => {
        items.push(...batch);
        batches.push(batch.length);
        return Promise.resolve();
      },
      started: (id) => began.push(id),
      task: (report) => reports.push(report),
      log: (_level, message) => log.push(message),
    },
  });
  const summary = await engine.collect(
    tasks.map((task) => ({ params: {}, ...task })),
    earlier,
  );
  return { summary, items, batches, reports, log, began };
}

const errorRows = (items: Item[]): unknown[] =>
  items.filter(({ key }) => key.startsWith('collection_errors')).map(({ row }) => JSON.parse(row) as unknown);

describe('the engine', () => {
  it('R012 turns a table that cannot be read into a row with the reason and goes on', async () => {
    const broken = fakeTable('broken', function* () {
      yield* rowsWith('kept');
      throw new Unreadable('needs root');
    });
    const sound = fakeTable('sound', () => rowsWith('a', 'b'));
    const { summary, items, reports } = await collect(
      [broken, sound],
      [
        { id: 't1', table: 'broken' },
        { id: 't2', table: 'sound' },
      ],
    );
    expect(summary.tables).toEqual({ broken: 1, sound: 2, collection_errors: 1 });
    expect(summary.errors).toEqual([{ table: 'broken', reason: 'needs root' }]);
    expect(errorRows(items)).toEqual([{ table: 'broken', task: 't1', reason: 'needs root' }]);
    expect(reports.map(({ id, rows, error }) => [id, rows, error])).toEqual([
      ['t1', 1, 'needs root'],
      ['t2', 2, undefined],
    ]);
  });

  it('R012 survives a table that throws what nobody expected, with a reason that never changes', async () => {
    const faulty = fakeTable('faulty', () => {
      throw new TypeError(`pid ${process.pid}`);
    });
    const system = fakeTable('system', () => {
      throw Object.assign(new Error('/tmp/x17 failed'), { code: 'EIO', syscall: 'read' });
    });
    const { items, log } = await collect(
      [faulty, system],
      [
        { id: 'a', table: 'faulty' },
        { id: 'b', table: 'system' },
      ],
    );
    expect(errorRows(items)).toEqual([
      { table: 'faulty', task: 'a', reason: 'internal error: TypeError' },
      { table: 'system', task: 'b', reason: 'read: EIO' },
    ]);
    expect(log).toEqual([expect.stringContaining('task a (faulty) failed')]);
  });

  it('names a table that this build does not know, and keeps silent about one of another system', async () => {
    const elsewhere = fakeTable('elsewhere', () => rowsWith('x'));
    const context = contextOn('/', { os: 'darwin' });
    const tasks = [
      { id: 'a', table: 'newer' },
      { id: 'b', table: 'elsewhere' },
    ];
    const { summary } = await collect([elsewhere], tasks, context);
    expect(summary.errors).toEqual([{ table: 'newer', reason: 'this agent has no such table' }]);
    expect(summary.tables).toEqual({ collection_errors: 1 });
  });

  it('refuses parameters that a table does not take', async () => {
    const plain = fakeTable('plain', () => rowsWith('x'));
    const { summary } = await collect(
      [plain],
      [{ id: 'a', table: 'plain', params: { path: '/etc/shadow' } }],
    );
    expect(summary.errors[0]?.reason).toMatch(/^plain: parameters refused/);
    expect(summary.rows).toBe(1);
  });

  it('reads a table that several tasks name once', async () => {
    let times = 0;
    const counted = fakeTable('counted', () => {
      times += 1;
      return rowsWith('a');
    });
    const tasks = ['1', '2', '3'].map((id) => ({ id, table: 'counted' }));
    const { summary } = await collect([counted], tasks);
    expect(times).toBe(1);
    expect(summary.tables).toEqual({ counted: 1 });
  });

  it('keeps the first of two rows with one key and says so', async () => {
    const doubled = fakeTable('doubled', () => [
      { key: 'k', row: { value: 'first' } },
      { key: 'k', row: { value: 'second' } },
    ]);
    const { items, summary } = await collect([doubled], [{ id: 'a', table: 'doubled' }]);
    expect(items[0]?.row).toBe('{"value":"first"}');
    expect(summary.errors).toEqual([
      { table: 'doubled', reason: 'rows left out: 1 × its key was there already' },
    ]);
  });

  it('encodes control characters, broken UTF-8 and percent signs in keys and values', async () => {
    const odd = fakeTable('odd', () => [{ key: 'a\nb\udcff%', row: { value: 'x\ty', list: ['\0'] } }]);
    const { items } = await collect([odd], [{ id: 'a', table: 'odd' }]);
    expect(items[0]).toMatchObject({ key: 'odd\u001fa%0Ab%FF%25', row: '{"list":["%00"],"value":"x%09y"}' });
  });

  it('leaves out rows that would break a snapshot', async () => {
    const bad = fakeTable('bad', () => [
      { key: 'n', row: { value: 1.5 } },
      { key: 'b', row: { value: 'x'.repeat(300_000) } },
      { key: 'g', row: { value: 'good' } },
    ]);
    const { summary } = await collect([bad], [{ id: 'a', table: 'bad' }]);
    expect(summary.tables['bad']).toBe(1);
    expect(summary.errors[0]?.reason).toBe(
      'rows left out: 1 × a number is not an integer; 1 × a row is larger than allowed',
    );
  });

  it('streams 100,000 rows in batches of at most 500', async () => {
    const many = fakeTable('many', function* () {
      for (let index = 0; index < 100_000; index += 1) yield* rowsWith(`row ${index}`);
    });
    const { summary, batches } = await collect([many], [{ id: 'a', table: 'many' }]);
    expect(summary.rows).toBe(100_000);
    expect(Math.max(...batches)).toBe(500);
    expect(batches).toHaveLength(200);
  });

  it('ends a batch before it passes 1 MiB', async () => {
    const heavy = fakeTable('heavy', function* () {
      for (let index = 0; index < 20; index += 1)
        yield { key: `k${index}`, row: { value: 'x'.repeat(200_000) } };
    });
    const { batches } = await collect([heavy], [{ id: 'a', table: 'heavy' }]);
    expect(batches).toEqual([5, 5, 5, 5]);
  });

  it('prepares tables that need time first and reads them last', async () => {
    const order: string[] = [];
    const read = (name: string) => () => {
      order.push(name);
      return rowsWith('a');
    };
    const slow = fakeTable('slow', read('slow'), { prepare: () => void order.push('prepare') });
    const quick = fakeTable('quick', read('quick'));
    await collect(
      [slow, quick],
      [
        { id: 'a', table: 'slow' },
        { id: 'b', table: 'quick' },
      ],
    );
    expect(order).toEqual(['prepare', 'quick', 'slow']);
  });

  it('leaves a reader that hangs when the collection is cancelled', async () => {
    const abort = new AbortController();
    async function* hang(): AsyncGenerator<KeyedRow> {
      abort.abort();
      await new Promise(() => undefined);
      yield* rowsWith('never');
    }
    const hanging = fakeTable('hanging', hang);
    const context = contextOn('/', { signal: abort.signal });
    await expect(collect([hanging], [{ id: 'a', table: 'hanging' }], context)).rejects.toThrow('cancelled');
  });

  it('leaves a reader that never ends when the collection is cancelled', async () => {
    const abort = new AbortController();
    const endless = fakeTable('endless', function* () {
      for (let index = 0; ; index += 1) {
        if (index === 1_000) abort.abort();
        yield* rowsWith(`row ${index}`);
      }
    });
    const context = contextOn('/', { signal: abort.signal });
    await expect(collect([endless], [{ id: 'a', table: 'endless' }], context)).rejects.toThrow('cancelled');
  });

  /** Fires timers of one length as soon as nothing else happens. */
  const timersOf =
    (length: number): StartTimer =>
    (ms, fire) => {
      const timer = ms === length ? setTimeout(fire, 1) : undefined;
      return () => {
        clearTimeout(timer);
      };
    };
  const tasks = [
    { id: 'a', table: 'first' },
    { id: 'b', table: 'second' },
  ];
  const second = fakeTable('second', () => rowsWith('x'));

  it('R012 leaves a reader that gives no sign for 60 s and reads the next table', async () => {
    const first = fakeTable('first', async function* () {
      yield* rowsWith('kept');
      await new Promise(() => undefined);
    });
    const { summary } = await collect([first, second], tasks, contextOn('/'), timersOf(60_000));
    expect(summary.tables).toEqual({ first: 1, second: 1, collection_errors: 1 });
    expect(summary.errors).toEqual([{ table: 'first', reason: 'gave no sign for 60 s' }]);
  });

  it('leaves no reader that waits for its pace or for a command', async () => {
    const first = fakeTable('first', async function* (context) {
      await context.breathe();
      await context.run('x', []);
      yield* rowsWith('late');
    });
    const late = <T>(value: T) => new Promise<T>((resolve) => setTimeout(resolve, 25, value));
    const context = contextOn('/', {
      breathe: () => late(undefined),
      run: () => late({ exitCode: 0, stdout: Buffer.alloc(0), stderr: '' }),
    });
    const { summary } = await collect([first, second], tasks, context, timersOf(60_000));
    expect(summary.errors).toEqual([]);
  });

  it('begins no further task once all have taken two hours', async () => {
    const first = fakeTable('first', async function* () {
      await new Promise((resolve) => setTimeout(resolve, 25));
      yield* rowsWith('kept');
    });
    const { summary } = await collect([first, second], tasks, contextOn('/'), timersOf(7_200_000));
    expect(summary.tables).toEqual({ first: 1, collection_errors: 1 });
    expect(summary.errors[0]?.reason).toBe('the tasks of this collection take too long together');
  });

  it('takes at most 200,000 rows of one task', async () => {
    const first = fakeTable('first', function* () {
      for (let index = 0; ; index += 1) yield { key: String(index), row: {} };
    });
    const { summary } = await collect([first, second], tasks);
    expect(summary.errors).toEqual([{ table: 'first', reason: 'more than 200000 rows' }]);
    expect(summary.tables).toMatchObject({ second: 1 });
  });
});

describe('a scan that goes on where another was interrupted', () => {
  const sample = fakeTable('sample', () => rowsWith('s'), { prepare: () => undefined });
  const one = fakeTable('one', () => rowsWith('a', 'b'));
  const two = fakeTable('two', () => rowsWith('x', 'y'));
  const tasks = [
    { id: 'w', table: 'sample' },
    { id: 'a', table: 'one' },
    { id: 'again', table: 'one' },
    { id: 'b', table: 'two' },
  ];

  it('reads the tasks that are left, says what begins, and knows the keys that are there', async () => {
    const whole = await collect([sample, one, two], tasks);
    expect(whole.began).toEqual(['w', 'a', 'again', 'b', 'w']);
    const earlier = { finished: new Set(['a']), keys: [shortKey('two\u001fx')] };
    const rest = await collect([sample, one, two], tasks, contextOn('/'), undefined, earlier);
    expect(rest.began).toEqual(['w', 'again', 'b', 'w']);
    expect(rest.summary.tables).toEqual({ two: 1, sample: 1, collection_errors: 1 });
    expect(errorRows(rest.items)).toEqual([
      { table: 'two', task: 'b', reason: 'rows left out: 1 × its key was there already' },
    ]);
  });

  it('has handed over the rows of a task by the time that it is reported as finished', async () => {
    const { reports, batches } = await collect([one, two], tasks.slice(1));
    expect(reports.map(({ id, rows }) => [id, rows])).toEqual([
      ['a', 2],
      ['again', 0],
      ['b', 2],
    ]);
    expect(batches).toEqual([2, 2]);
  });
});
