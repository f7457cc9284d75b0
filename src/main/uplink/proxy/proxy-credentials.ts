import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SecretsUnavailable, type SecretStore } from '../../host/secrets/secret-store.ts';
import { mayGetCredentials, type ProxyCandidate, type ProxyCredentials } from './candidate.ts';

/** User and password lie together under one name: they are set, replaced and removed together. */
const NAME = 'proxy-credentials';

const Stored = z.object({ username: z.string(), password: z.string() });

/** Longest stored form, bytes: what every store of secrets can keep. */
const MAX_BYTES = 2_048;

/**
 * Holds credentials to what can be stored and sent: a user of 1 character and more without control characters, a
 * password without NUL and line breaks, together about 2000 bytes. Throws an Error whose message has nothing of either.
 */
export function checkCredentials({ username, password }: ProxyCredentials): void {
  if (username === '') throw new Error('the user is empty');
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(username)) throw new Error('the user holds a control character');
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000\r\n]/.test(password)) throw new Error('the password holds a line break or a NUL');
  if (!isText(username) || !isText(password)) throw new Error('user or password is not valid Unicode');
  if (Buffer.byteLength(JSON.stringify({ username, password })) > MAX_BYTES) {
    throw new Error('user and password are longer than 2000 bytes together');
  }
}

/** Whether a text survives UTF-8: half of a surrogate pair doesn't. */
const isText = (value: string): boolean => Buffer.from(value, 'utf8').toString('utf8') === value;

/** What is stored; `undefined` when nothing is. Rejects with `SecretsUnavailable`. */
export async function readProxyCredentials(store: SecretStore): Promise<ProxyCredentials | undefined> {
  const text = await store.get(NAME);
  if (text === undefined) return undefined;
  try {
    return Stored.parse(JSON.parse(text));
  } catch {
    // Not the parser's words: they repeat the text.
    throw new SecretsUnavailable('the stored proxy credentials are not in a known form; set them again');
  }
}

/** Stores credentials that `checkCredentials` let pass, or removes them. Rejects with `SecretsUnavailable`. */
export async function writeProxyCredentials(
  store: SecretStore,
  credentials: ProxyCredentials | undefined,
): Promise<void> {
  if (credentials === undefined) return store.delete(NAME);
  return store.set(NAME, JSON.stringify({ username: credentials.username, password: credentials.password }));
}

/** Whether a file of the folder of secrets is about the credentials: every store keeps one under their name. */
export const isCredentialsFile = (name: string): boolean => name.startsWith(`${NAME}.`);

/**
 * A text that is another one after the credentials were set, also to what they were, or removed. `folder` is that of the
 * secrets; no secret is read. Never throws.
 */
export function credentialsRevision(folder: string): string {
  try {
    const files = readdirSync(folder).filter(isCredentialsFile).sort();
    return JSON.stringify(files.map((name) => [name, ...whenWritten(join(folder, name))]));
  } catch {
    return '[]';
  }
}

function whenWritten(path: string): string[] {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? [] : [`${stat.ino}`, `${stat.mtimeNs}`];
}

/**
 * Looks up the credentials for a proxy each time they are needed, so that new ones count at once. They go to proxies that
 * an administrator named, in the list, a PAC file (R265) or the system's settings: never to one that a hint or the
 * network (WPAD) named.
 */
export function credentialsFrom(
  secrets: () => Promise<SecretStore>,
): (candidate: ProxyCandidate) => Promise<ProxyCredentials | undefined> {
  return async (candidate) =>
    mayGetCredentials(candidate) ? readProxyCredentials(await secrets()) : undefined;
}
