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
  const pruneSome = db.prepare<[number]>(
    `DELETE FROM nonces WHERE (keyId, nonce) IN
       (SELECT keyId, nonce FROM nonces WHERE expiresAt < ? ORDER BY expiresAt LIMIT 10)`,
  );
  const pruneNonces = db.prepare<[number]>('DELETE FROM nonces WHERE expiresAt < ?');
  const first = db.prepare<[string, string], FirstAnswer>(
    'SELECT path, digest, status, body FROM idempotency WHERE agent = ? AND key = ?',
  );
  const remember = db.prepare<[string, string, string, string, number, string, number]>(
    'INSERT OR IGNORE INTO idempotency (agent, key, path, digest, status, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const forget = db.prepare<[string, string]>('DELETE FROM idempotency WHERE agent = ? AND key = ?');
  const trim = db.prepare<[string, string, number]>(
    `DELETE FROM idempotency WHERE agent = ? AND key IN
       (SELECT key FROM idempotency WHERE agent = ? ORDER BY at DESC, key DESC LIMIT -1 OFFSET ?)`,
  );
  const pruneAnswers = db.prepare<[number]>('DELETE FROM idempotency WHERE at < ?');
  const taking = db.transaction((keyId: string, nonce: string, expiresAt: number, now: number): boolean => {
    pruneSome.run(now);
    return addNonce.run(keyId, nonce, expiresAt).changes === 1;
  });
  return {
    /**
     * Takes a nonce; `false` when this key has used it before. It is kept until `expiresAt`; each call removes up to
     * ten that are past theirs, so that the table holds what the last minutes brought and no more. Times in ms.
     */
    takeNonce: (keyId: string, nonce: string, expiresAt: number, now: number): boolean =>
      taking.immediate(keyId, nonce, expiresAt, now),
    firstAnswer: (agent: string, key: string): FirstAnswer | undefined => first.get(agent, key),
    /** Keeps a first answer, and of this agent's no more than the newest `kept`. */
    remember(agent: string, key: string, answer: FirstAnswer, now: number, kept: number): void {
      remember.run(agent, key, answer.path, answer.digest, answer.status, answer.body, now);
      trim.run(agent, agent, kept);
    },
    forget: (agent: string, key: string): void => void forget.run(agent, key),
    prune(now: number): void {
      pruneNonces.run(now);
      pruneAnswers.run(now - IDEMPOTENCY_KEPT_MS);
    },
  };
}
