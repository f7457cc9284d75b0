import { type Sql, type Statement } from './sql.ts';

/** The statements of the event queue, prepared once. */
export interface EventStatements {
  /** (stream, limit) */
  readonly addStream: Statement;
  readonly stream: Statement;
  readonly streams: Statement;
  /** (limit, stream, limit): changes nothing when it stands so already. */
  readonly limit: Statement;
  /** (records, bytes, dropped, stream): adds to the counters. */
  readonly count: Statement;
  /** (records, bytes, last position, stream): adds what was appended. */
  readonly append: Statement;
  /** (position, stream, position): moves `sent_to` forward, never back. */
  readonly sent: Statement;
  readonly insert: Statement;
  /** (stream, after): the first record or gap behind a position. */
  readonly head: Statement;
  /** (stream, after, rows): sizes in order, without reading bodies. */
  readonly sizes: Statement;
  /** (stream, upTo): everything up to a position. */
  readonly window: Statement;
  /** (stream, upTo): counters of everything up to a position. */
  readonly sum: Statement;
  /** (stream, from, upTo) */
  readonly deleteRange: Statement;
  readonly insertGap: Statement;
  /** (count, bytes, firstAt, lastAt, stream, position) */
  readonly growGap: Statement;
}

export function eventStatements(sql: Sql): EventStatements {
  return {
    addStream: sql.prepare('INSERT INTO streams (stream, limit_bytes) VALUES (?, ?)'),
    stream: sql.prepare('SELECT * FROM streams WHERE stream = ?'),
    streams: sql.prepare('SELECT * FROM streams ORDER BY stream'),
    limit: sql.prepare('UPDATE streams SET limit_bytes = ? WHERE stream = ? AND limit_bytes <> ?'),
    count: sql.prepare(
      'UPDATE streams SET records = records + ?, bytes = bytes + ?, dropped = dropped + ? WHERE stream = ?',
    ),
    append: sql.prepare(
      'UPDATE streams SET records = records + ?, bytes = bytes + ?, last_position = ? WHERE stream = ?',
    ),
    sent: sql.prepare('UPDATE streams SET sent_to = ? WHERE stream = ? AND sent_to < ?'),
    insert: sql.prepare(
      `INSERT INTO events (stream, position, id, at, size, body) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (stream, id) DO NOTHING`,
    ),
    head: sql.prepare(
      `SELECT position, at, body IS NULL AS gap FROM events WHERE stream = ? AND position > ?
       ORDER BY position LIMIT 1`,
    ),
    sizes: sql.prepare(
      'SELECT position, at, size FROM events WHERE stream = ? AND position > ? ORDER BY position LIMIT ?',
    ),
    window: sql.prepare('SELECT * FROM events WHERE stream = ? AND position <= ? ORDER BY position'),
    sum: sql.prepare(
      `SELECT COUNT(body) AS records, COALESCE(SUM(size), 0) AS bytes FROM events
       WHERE stream = ? AND position <= ?`,
    ),
    deleteRange: sql.prepare('DELETE FROM events WHERE stream = ? AND position BETWEEN ? AND ?'),
    insertGap: sql.prepare(
      `INSERT INTO events (position, stream, id, at, size, lost, lost_bytes, last_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    growGap: sql.prepare(
      `UPDATE events SET lost = lost + ?, lost_bytes = lost_bytes + ?, at = MIN(at, ?),
         last_at = MAX(last_at, ?) WHERE stream = ? AND position = ?`,
    ),
  };
}
