import { describe, expect, it } from 'vitest';
import type { Item } from '../shared/rows.ts';
import type { Table } from './bind.ts';
import { Engine, type Summary, type TaskReport } from './engine.ts';
import { Unreadable, type KeyedRow, type ReadContext } from './table.ts';
import { contextOn } from './testing/host.ts';
import { fakeTable, rowsWith } from './testing/tables.ts';

interface Run {
  readonly summary: Summary;
  readonly items: Item[];
  readonly batches: number[];
  readonly reports: TaskReport[];
  readonly log: string[];
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
): Promise<Run> {
  const items: Item[] = [];
  const batches: number[] = [];
  const reports: TaskReport[] = [];
  const log: string[] = [];
  const engine = new Engine({
    context,
    tableNamed: (name) => tables.find((table) => table.name === name),
    sink: {
      batch: (batch) => {
        items.push(...batch);
        batches.push(batch.length);
        return Promise.resolve();
      },
      task: (report) => reports.push(report),
      log: (_level, message) => log.push(message),
    },
  });
  const summary = await engine.collect(tasks.map((task) => ({ params: {}, ...task })));
  return { summary, items, batches, reports, log };
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
});
