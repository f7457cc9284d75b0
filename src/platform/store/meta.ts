import type { Db } from './database.ts';

/** Names of the platform's own facts. */
export type MetaName = 'signingKey' | 'createdAt' | 'port' | 'advisoryCount';

/** Facts of the platform itself that outlive a restart. */
export function metaStore(db: Db) {
  const get = db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE name = ?');
  const set = db.prepare<[string, string]>(
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const setOnce = db.prepare<[string, string]>('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)');
  return {
    get: (name: MetaName): string | undefined => get.get(name)?.value,
    set: (name: MetaName, value: string): void => void set.run(name, value),
    /** The stored value, or the made one stored now: two processes that race agree on one. */
    ensure(name: MetaName, make: () => string): string {
      const stored = get.get(name)?.value;
      if (stored !== undefined) return stored;
      setOnce.run(name, make());
      return get.get(name)?.value ?? '';
    },
  };
}
