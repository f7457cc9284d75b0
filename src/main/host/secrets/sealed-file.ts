import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureDirectory } from '../atomic-file.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';
import { SecretFileStore, type Sealer } from './secret-file.ts';
import { SecretsUnavailable } from './secret-store.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** NIST SP 800-38D, 8.2: 96 bits; random ones are safe for 2^32 writes under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const Sealed = z.object({
  version: z.literal(1),
  nonce: z.base64().length(16),
  /** Ciphertext, then the tag. */
  data: z.base64().max(8_192),
});
const Key = z.string().regex(/^[0-9a-f]{64}\n$/);

/**
 * Secrets sealed with AES-256-GCM under a key file beside them, mode 0600, made at the first write. The secret's name is
 * authenticated, so that two files can't change places. This protects from one file being copied, not from a copy of
 * the directory: key and secrets stand together.
 */
export const openSealedFiles = (directory: string): SecretFileStore =>
  new SecretFileStore(directory, sealedFile(directory));

function sealedFile(directory: string): Sealer {
  const keyFile = join(directory, 'key');
  const keyOrUndefined = (): Buffer | undefined => {
    const text = readPrivateFile(keyFile);
    if (text === undefined) return undefined;
    const key = Key.safeParse(text);
    if (!key.success)
      throw new SecretsUnavailable(`${keyFile} is damaged; delete it and set the secret again`);
    return Buffer.from(key.data.trimEnd(), 'hex');
  };
  const keyOrNew = (): Buffer => {
    const key = keyOrUndefined();
    if (key !== undefined) return key;
    ensureDirectory(directory, 0o700);
    createPrivateFile(keyFile, `${randomBytes(KEY_BYTES).toString('hex')}\n`);
    // Another process may have been first: what stands there now counts.
    return keyOrUndefined() ?? missing(keyFile);
  };
  return {
    kind: 'sealed file',
    extension: '.sealed',
    seal: (name, value) => Promise.resolve().then(() => seal(keyOrNew(), name, value)),
    unseal: (name, text) =>
      Promise.resolve().then(() => unseal(keyOrUndefined() ?? missing(keyFile), name, text)),
  };
}

function missing(keyFile: string): never {
  throw new SecretsUnavailable(
    `${keyFile}, the key of the sealed secrets, is missing; set the secrets again`,
  );
}

function seal(key: Buffer, name: string, value: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(name));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  const sealed = { version: 1, nonce: nonce.toString('base64'), data: data.toString('base64') };
  return `${JSON.stringify(sealed)}\n`;
}

function unseal(key: Buffer, name: string, text: string): string {
  const { nonce, data } = Sealed.parse(JSON.parse(text));
  const bytes = Buffer.from(data, 'base64');
  const decipher = createDecipheriv(CIPHER, key, Buffer.from(nonce, 'base64'), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(name));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
}
