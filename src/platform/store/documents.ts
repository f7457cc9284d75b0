import type { Db } from './database.ts';

/** A versioned text: the effective profile of an agent, or a manifest. */
export interface Versioned {
  readonly version: number;
  /** SHA-256 of `content`. */
  readonly hash: string;
  /** JSON. */
  readonly content: string;
  /** When this version came to be, ms since the epoch. */
  readonly issuedAt: number;
}

/** Versions of signed documents: they only grow, and only when the content changes. */
export function documentStore(db: Db) {
  const tableOf = (table: 'agent_config' | 'manifests', column: 'agent' | 'type') => {
    const get = db.prepare<[string], Versioned>(
      `SELECT version, hash, content, issuedAt FROM ${table} WHERE ${column} = ?`,
    );
    const put = db.prepare<[string, number, string, string, number]>(
      `INSERT INTO ${table} (${column}, version, hash, content, issuedAt) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (${column}) DO UPDATE SET version = excluded.version, hash = excluded.hash,
         content = excluded.content, issuedAt = excluded.issuedAt`,
    );
    return {
      get: (owner: string): Versioned | undefined => get.get(owner),
      /** The version in force for this content: the stored one while the hash is the same, else the next. */
      update(owner: string, content: string, hash: string, now: number): Versioned {
        const stored = get.get(owner);
        if (stored?.hash === hash) return stored;
        const next = { version: (stored?.version ?? 0) + 1, hash, content, issuedAt: now };
        put.run(owner, next.version, hash, content, now);
        return next;
      },
    };
  };
  const isOwn = db.prepare<[string], { own: number }>('SELECT own FROM manifests WHERE type = ?');
  const setOwn = db.prepare<[number, string]>('UPDATE manifests SET own = ? WHERE type = ?');
  return {
    config: tableOf('agent_config', 'agent'),
    manifests: {
      ...tableOf('manifests', 'type'),
      /** Whether the stored manifest is an administrator's and not the one that comes with the platform. */
      isOwn: (type: string): boolean => isOwn.get(type)?.own === 1,
      setOwn: (type: string, own: boolean): void => void setOwn.run(own ? 1 : 0, type),
    },
  };
}
