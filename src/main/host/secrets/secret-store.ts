/**
 * Where secrets of this host are kept. Values are short texts (a password); names are the agent's own and no secret.
 * Every method rejects with `SecretsUnavailable` when the store can't be used.
 */
export interface SecretStore {
  /** How status and `wayfarerctl` name it: `keychain`, `systemd-creds`, `sealed file`, `DPAPI`, `System keychain`. */
  readonly kind: string;
  readonly get: (name: string) => Promise<string | undefined>;
  readonly set: (name: string, value: string) => Promise<void>;
  readonly delete: (name: string) => Promise<void>;
}

/** The store of secrets can't be read or written; the message names the cause and the next step, never a value. */
export class SecretsUnavailable extends Error {
  override readonly name = 'SecretsUnavailable';
}
