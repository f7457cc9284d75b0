import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/*
 * Numbered records, which tell whether the queue of an agent lost or doubled something: the producer notes each number
 * in a file before it goes into the queue and again once the queue has taken it, the platform's database notes it when
 * it arrives. A file outlives SIGKILL: what a process wrote is the kernel's.
 */

/** What stands before a number in the detail of an activity. */
export const NUMBERED = 'numbered ';

/** What became of the numbers of one run. */
export interface Numbers {
  /** Those that the producer began to queue. */
  readonly begun: readonly number[];
  /** Those that the queue had taken: from then on it answers for them. */
  readonly acknowledged: readonly number[];
  /** Those that the platform took, in the order in which it did. */
  readonly arrived: readonly number[];
}

/** What is wrong with them. */
export interface Faults {
  /** Acknowledged, and never arrived. */
  readonly lost: readonly number[];
  /** Arrived again. */
  readonly doubled: readonly number[];
  /** Arrived after a larger one. */
  readonly late: readonly number[];
  /** Arrived, and never begun. */
  readonly invented: readonly number[];
}

/** Compares what the producer was told with what arrived. A number begun and not acknowledged may arrive or not. */
export function faultsOf({ begun, acknowledged, arrived }: Numbers): Faults {
  const [known, here] = [new Set(begun), new Set(arrived)];
  const seen = new Set<number>();
  const doubled: number[] = [];
  const late: number[] = [];
  let largest = -1;
  for (const number of arrived) {
    if (seen.has(number)) doubled.push(number);
    else if (number < largest) late.push(number);
    seen.add(number);
    largest = Math.max(largest, number);
  }
  return {
    lost: acknowledged.filter((number) => !here.has(number)),
    doubled,
    late,
    invented: arrived.filter((number) => !known.has(number)),
  };
}

/** The producer's notes below a root. They go on where an earlier process of it was killed. */
export class NumberNotes {
  readonly #file: string;
  readonly #end: string;

  constructor(root: string) {
    this.#file = join(root, 'numbers');
    this.#end = join(root, 'numbers-end');
  }

  /** Has the producer queue no more. */
  end(): void {
    writeFileSync(this.#end, '');
  }

  get ended(): boolean {
    return existsSync(this.#end);
  }

  begin(number: number): void {
    appendFileSync(this.#file, `begun ${String(number)}\n`);
  }

  acknowledge(number: number): void {
    appendFileSync(this.#file, `acknowledged ${String(number)}\n`);
  }

  /** The first number that no process has begun. */
  next(): number {
    return (this.read().begun.at(-1) ?? -1) + 1;
  }

  read(): Pick<Numbers, 'begun' | 'acknowledged'> {
    const lines = existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n') : [];
    const after = (word: string): number[] =>
      lines.flatMap((line) => (line.startsWith(word) ? [Number(line.slice(word.length))] : []));
    return { begun: after('begun '), acknowledged: after('acknowledged ') };
  }
}

/**
 * Has the platform's database write down each numbered activity as it is stored, and take it out of the list of
 * activities, which keeps the newest 10,000 only.
 */
export function keepArrivals(platformDir: string): void {
  withDatabase(platformDir, (db) => {
    db.exec(`CREATE TABLE arrivals (n INTEGER PRIMARY KEY, number INTEGER);
      CREATE TRIGGER arrivals AFTER INSERT ON activities WHEN new.detail LIKE '${NUMBERED}%' BEGIN
        INSERT INTO arrivals (number) VALUES (CAST(substr(new.detail, ${String(NUMBERED.length + 1)}) AS INTEGER));
        DELETE FROM activities WHERE id = new.id;
      END`);
  });
}

/** What the platform took, in that order. */
export function arrivals(platformDir: string): number[] {
  return withDatabase(platformDir, (db) =>
    db
      .prepare<[], { number: number }>('SELECT number FROM arrivals ORDER BY n')
      .all()
      .map(({ number }) => number),
  );
}

function withDatabase<T>(platformDir: string, use: (db: Database.Database) => T): T {
  const db = new Database(join(platformDir, 'platform.db'), { timeout: 10_000 });
  try {
    return use(db);
  } finally {
    db.close();
  }
}
