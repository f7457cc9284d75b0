import { z } from 'zod';
import type { DataProtection } from './dpapi-library.ts';
import { reasonOf, SecretFileStore, type Sealer } from './secret-file.ts';
import { SecretsUnavailable } from './secret-store.ts';

const Stored = z.base64().max(32 * 1024);

/**
 * Secrets sealed by Windows' Data Protection API for this machine. Any process of the machine may ask Windows to open
 * them: who may read the files is up to the ACL of the directory (SYSTEM and Administrators).
 */
export const openDpapi = (directory: string, protection: () => DataProtection): SecretFileStore =>
  new SecretFileStore(directory, dpapi(protection));

function dpapi(protection: () => DataProtection): Sealer {
  // The name goes in as entropy: a file that took another one's place is refused.
  const entropy = (name: string): Buffer => Buffer.from(`wayfarer.${name}`, 'utf8');
  return {
    kind: 'DPAPI',
    extension: '.dpapi',
    seal: (name, value) =>
      Promise.resolve().then(() => {
        try {
          return `${protection().protect(Buffer.from(value, 'utf8'), entropy(name)).toString('base64')}\n`;
        } catch (error) {
          throw new SecretsUnavailable(`DPAPI can't seal: ${reasonOf(error)}`, { cause: error });
        }
      }),
    unseal: (name, text) =>
      Promise.resolve().then(() =>
        protection()
          .unprotect(Buffer.from(Stored.parse(text.trimEnd()), 'base64'), entropy(name))
          .toString('utf8'),
      ),
  };
}
