import type { z } from 'zod';
import { text } from './columns.ts';
import { type Sql, type Statement } from './sql.ts';

/** Small durable values by name: schedule, counters, cached documents. One transaction each. */
export class KeyValues {
  readonly #warn: (line: string) => void;
  readonly #get: Statement;
  readonly #set: Statement;
  readonly #delete: Statement;

  constructor(sql: Sql, warn: (line: string) => void) {
    this.#warn = warn;
    this.#get = sql.prepare('SELECT value FROM kv WHERE key = ?');
    this.#set = sql.prepare(
      'INSERT INTO kv (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
    this.#delete = sql.prepare('DELETE FROM kv WHERE key = ?');
  }

  /** The value, or `undefined` when there is none or what is there does not fit `schema` (then with a warning). */
  get<T>(key: string, schema: z.ZodType<T>): T | undefined {
    const row = this.#get.get(key);
    if (row === undefined) return undefined;
    const parsed = schema.safeParse(parseJson(text(row, 'value')));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
    this.#warn(`stored value ${key} is unreadable and counts as absent: ${where}${issue?.message ?? ''}`);
    return undefined;
  }

  /** Stores a value as JSON; it is on the disk when this returns. Throws `TypeError` for what JSON can't hold. */
  set(key: string, value: unknown): void {
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) throw new TypeError(`the value of ${key} is not JSON`);
    this.#set.run(key, json);
  }

  delete(key: string): void {
    this.#delete.run(key);
  }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
