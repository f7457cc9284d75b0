import { optional, text } from './columns.ts';
import { type Sql, type Statement } from './sql.ts';

/** How many commands are remembered; the oldest are forgotten. A platform repeats a command for days at most. */
const KEEP = 1_000;

/**
 * Where a command stands that the platform sent: `new` to this host and now begun; `done` before, with the result that
 * was given (to be acknowledged again, not executed again); `interrupted`: begun, but the agent ended before it did.
 */
export type Begun =
  | { readonly state: 'new' }
  | { readonly state: 'done'; readonly result: string }
  | { readonly state: 'interrupted' };

/** The commands that were executed here, so that each is executed once however often it is sent. */
export class CommandLog {
  readonly #sql: Sql;
  readonly #find: Statement;
  readonly #insert: Statement;
  readonly #forget: Statement;
  readonly #finish: Statement;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#find = sql.prepare('SELECT result FROM commands WHERE id = ?');
    this.#insert = sql.prepare('INSERT INTO commands (id, type) VALUES (?, ?)');
    this.#forget = sql.prepare(
      `DELETE FROM commands WHERE n <= (SELECT n FROM commands ORDER BY n DESC LIMIT 1 OFFSET ${KEEP})`,
    );
    this.#finish = sql.prepare('UPDATE commands SET result = ? WHERE id = ? AND result IS NULL');
  }

  /** Notes durably that a command begins, before anything of it is done. */
  begin(id: string, type: string): Begun {
    return this.#sql.transaction(() => {
      const known = this.#find.get(id);
      if (known === undefined) {
        this.#insert.run(id, type);
        this.#forget.run();
        return { state: 'new' };
      }
      const result = optional(text, known, 'result');
      return result === undefined ? { state: 'interrupted' } : { state: 'done', result };
    });
  }

  /** Notes durably how it ended. The first result stands. Throws an `Error` for a command that was never begun. */
  finish(id: string, result: string): void {
    if (this.#finish.run(result, id).changes === 0 && this.#find.get(id) === undefined) {
      throw new Error(`command ${id} was never begun`);
    }
  }
}
