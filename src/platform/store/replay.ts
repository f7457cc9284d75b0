import type { Db } from './database.ts';

/** The first answer to a request with an `Idempotency-Key`. */
export interface FirstAnswer {
  readonly path: string;
  /** SHA-256 of the request body in hexadecimal. */
  readonly digest: string;
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** How long a first answer is kept for repeats, ms. A pending upload outlives a week of sleep only by a new opening. */
export const IDEMPOTENCY_KEPT_MS = 7 * 24 * 3600 * 1000;

/** What protects against doing one request twice: nonces against an attacker, idempotency keys against retries. */
export function replayStore(db: Db) {
  const addNonce = db.prepare<[string, string, number]>(
    'INSERT OR IGNORE INTO nonces (keyId, nonce, expiresAt) VALUES (?, ?, ?)',
  );
  const pruneNonces = db.prepare<[number]>('DELETE FROM nonces WHERE expiresAt < ?');
  const first = db.prepare<[string, string], FirstAnswer>(
    'SELECT path, digest, status, body FROM idempotency WHERE agent = ? AND key = ?',
  );
  const remember = db.prepare<[string, string, string, string, number, string, number]>(
    'INSERT OR IGNORE INTO idempotency (agent, key, path, digest, status, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const pruneAnswers = db.prepare<[number]>('DELETE FROM idempotency WHERE at < ?');
  return {
    /** Takes a nonce; `false` when this key has used it before. Must be kept until `expiresAt` (ms). */
    takeNonce: (keyId: string, nonce: string, expiresAt: number): boolean =>
      addNonce.run(keyId, nonce, expiresAt).changes === 1,
    firstAnswer: (agent: string, key: string): FirstAnswer | undefined => first.get(agent, key),
    remember: (agent: string, key: string, answer: FirstAnswer, now: number): void =>
      void remember.run(agent, key, answer.path, answer.digest, answer.status, answer.body, now),
    prune(now: number): void {
      pruneNonces.run(now);
      pruneAnswers.run(now - IDEMPOTENCY_KEPT_MS);
    },
  };
}
