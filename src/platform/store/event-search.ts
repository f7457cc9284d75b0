import type { Db } from './database.ts';
import { idBytes } from './host-events.ts';

/** A condition in SQL with its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** A condition that an index of its own leads to. */
export interface Narrowing {
  /** The test of one event. */
  readonly test: Condition;
  /** Selects the numbers of all events that fulfil it, from indexes alone. */
  readonly select: Condition;
}

/** What to look for. Times in ms, both inclusive. */
export interface Search {
  /** A host's number; all hosts without one. */
  readonly host?: number;
  readonly since: number;
  readonly until: number;
  readonly narrowing: readonly Narrowing[];
  readonly others: readonly Condition[];
}

/** Behind which event a page begins. */
export interface Position {
  readonly at: number;
  readonly n: number;
}

/** An event as it was found. `record` is the text that arrived. */
export interface FoundEvent extends Position {
  readonly agent: string;
  readonly hostname: string;
  readonly receivedAt: number;
  readonly fault: string | null;
  readonly record: string;
}

export interface ChainRow {
  readonly n: number;
  readonly sequence: number;
  readonly declared: number;
  readonly record: string;
}

/** With more matches than these an index is left aside: they lie so close in time that a walk back finds a page of them soon. */
const FEW = 5_000;

const COLUMNS = `e.n, e.at, e.receivedAt, e.fault, h.agent, a.hostname, r.record`;
/** In this order, whatever the planner thinks: names and records are looked up for what is read alone. */
const JOINED = `CROSS JOIN event_hosts h ON h.id = e.host CROSS JOIN agents a ON a.id = h.agent
  CROSS JOIN event_records r ON r.n = e.n`;

/** Reading events of hosts. */
export function eventSearchStore(db: Db) {
  const byId = db.prepare<[Buffer], FoundEvent>(
    `SELECT ${COLUMNS} FROM host_events e ${JOINED}
     WHERE e.host IN (SELECT id FROM event_hosts) AND e.id = ? ORDER BY e.n LIMIT 20`,
  );
  const newest = db.prepare<[], { n: number | null }>('SELECT max(n) AS n FROM host_events');
  const inChain = db.prepare<[number, number, number, number], ChainRow>(
    `SELECT e.n, e.sequence, e.declared, r.record FROM host_events e JOIN event_records r ON r.n = e.n
     WHERE e.chain = ? AND (e.sequence, e.n) > (?, ?) ORDER BY e.sequence, e.n LIMIT ?`,
  );
  const count = db.prepare<[number, string], { n: number }>(
    'SELECT count(*) AS n FROM host_events WHERE host = ? AND stream = ?',
  );

  /** The first condition that few events fulfil. */
  const narrowest = (search: Search): Narrowing | undefined =>
    search.narrowing.find(({ select }) => {
      const some = `SELECT count(*) AS n FROM (${select.sql} LIMIT ${FEW + 1})`;
      return (db.prepare(some).get(...select.values) as { n: number }).n <= FEW;
    });

  return {
    /** Events that fulfil all of a search, the newest first, from behind `after`. To be read no further than needed. */
    newestFirst(search: Search, after: Position | undefined): IterableIterator<FoundEvent> {
      const { host, since, until } = search;
      const narrow = narrowest(search);
      const conditions: Condition[] = [
        { sql: 'at BETWEEN ? AND ?', values: [since, Math.min(until, after?.at ?? until)] },
        ...(after === undefined ? [] : [{ sql: '(at, n) < (?, ?)', values: [after.at, after.n] }]),
        ...(host === undefined ? [] : [{ sql: 'host = ?', values: [host] }]),
        ...(narrow === undefined
          ? []
          : [{ sql: `n IN (${narrow.select.sql})`, values: narrow.select.values }]),
        ...search.narrowing.filter((one) => one !== narrow).map(({ test }) => test),
        ...search.others,
      ];
      // Found by its key where the matches are few; else along the time.
      const index = host === undefined ? 'events_by_time' : 'events_of_host';
      const by = narrow === undefined ? `INDEXED BY ${index}` : 'NOT INDEXED';
      const where = conditions.map(({ sql }) => `(${sql})`).join(' AND ');
      const found = `SELECT * FROM host_events ${by} WHERE ${where} ORDER BY at DESC, n DESC`;
      return db
        .prepare(`SELECT ${COLUMNS} FROM (${found}) e ${JOINED} ORDER BY e.at DESC, e.n DESC`)
        .iterate(...conditions.flatMap(({ values }) => values)) as IterableIterator<FoundEvent>;
    },
    /** Events that fulfil all of a search and arrived behind number `n`, in the order in which they arrived. */
    arrived(search: Search, n: number, limit: number): FoundEvent[] {
      const host = search.host === undefined ? [] : [{ sql: 'host = ?', values: [search.host] }];
      const conditions: Condition[] = [
        { sql: 'n > ?', values: [n] },
        { sql: '+at BETWEEN ? AND ?', values: [search.since, search.until] },
        ...host,
        ...search.narrowing.map(({ test }) => test),
        ...search.others,
      ];
      const where = conditions.map(({ sql }) => `(${sql})`).join(' AND ');
      const found = `SELECT * FROM host_events NOT INDEXED WHERE ${where} ORDER BY n LIMIT ${limit}`;
      return db
        .prepare(`SELECT ${COLUMNS} FROM (${found}) e ${JOINED} ORDER BY e.n`)
        .all(...conditions.flatMap(({ values }) => values)) as FoundEvent[];
    },
    /** The events that hosts sent under an id: one, unless hosts share ids. */
    byId: (uuid: string): FoundEvent[] => byId.all(idBytes(uuid)),
    /** The number of the event that arrived last; 0 without any. */
    newest: (): number => newest.get()?.n ?? 0,
    /** Records of a chain in their order, behind a place. */
    inChain: (chain: number, after: { sequence: number; n: number }, limit: number): ChainRow[] =>
      inChain.all(chain, after.sequence, after.n, limit),
    /** How many events of a stream are there; counted, not remembered. */
    count: (host: number, stream: string): number => count.get(host, stream)?.n ?? 0,
  };
}
