import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PublicKey, Uuid } from '../../shared/ids.ts';
import { generateKeyPair, keyPairFromPem, privateKeyPem, type KeyPair } from '../../wire/keys.ts';
import { readSmallFile, removeFile, writeFileAtomic } from './atomic-file.ts';

/**
 * What the platform confirmed at provisioning. It lives in a file of its own, not in the database: a damaged database
 * must cost neither the Host ID nor the pinned platform key.
 */
const Registration = z.object({
  hostId: Uuid,
  agentKeyId: z.string(),
  customerId: Uuid,
  activationId: Uuid,
  activationTitle: z.string(),
  tags: z.array(z.string()),
  platformKey: PublicKey,
  /** Whether an administrator gave the platform key or the first reply did. */
  pinned: z.enum(['configured', 'first use']),
});
export type Registration = z.infer<typeof Registration>;

/** Files of the agent's identity below its data directory, readable by the agent alone. */
export class IdentityFiles {
  readonly #registrationFile: string;
  readonly #keyFile: string;

  constructor(dataDir: string) {
    this.#registrationFile = join(dataDir, 'registration.json');
    this.#keyFile = join(dataDir, 'agent-key.pem');
  }

  /** Where the private key is kept, in the words that status shows. */
  readonly secretStore = 'file (readable by the agent only)';

  /** The registration, or `undefined` before the first or when the file is damaged: the agent then registers again. */
  registration(): Registration | undefined {
    try {
      const parsed = Registration.safeParse(JSON.parse(readSmallFile(this.#registrationFile) ?? 'null'));
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }

  storeRegistration(registration: Registration): void {
    writeFileAtomic(this.#registrationFile, `${JSON.stringify(registration, null, 2)}\n`, 0o600);
  }

  forgetRegistration(): void {
    removeFile(this.#registrationFile);
  }

  /** The agent's key pair, made and stored when there is none. A damaged key file is replaced: the agent registers again. */
  keyPair(): KeyPair {
    const pem = readSmallFile(this.#keyFile);
    if (pem !== undefined) {
      // A restored backup or a well-meant chmod may have opened it.
      chmodSync(this.#keyFile, 0o600);
      try {
        return keyPairFromPem(pem);
      } catch {
        // Not a key: fall through to a new one. The platform decides whether the kept Host ID may take it.
      }
    }
    return this.renewKeyPair();
  }

  /** Makes a new key pair and forgets the old one (REPROVISION). */
  renewKeyPair(): KeyPair {
    const pair = generateKeyPair();
    writeFileAtomic(this.#keyFile, privateKeyPem(pair), 0o600);
    return pair;
  }
}
