import type { Paths } from '../paths.ts';
import { openSecretStore, type SecretStoreOptions } from './open.ts';
import type { SecretStore } from './secret-store.ts';

/** Whose secrets: the service's, and those of the tools that work beside it. */
export interface HostSecretsOptions extends Pick<
  SecretStoreOptions,
  'platform' | 'uid' | 'environment' | 'moved'
> {
  readonly paths: Paths;
  /** Told once, in a sentence, why the preferred store is not the one in use. */
  readonly warn: (reason: string) => void;
}

/** The secrets of the service on this host: one place for it and every tool. Never rejects. */
export function openHostSecrets({ paths, warn, ...options }: HostSecretsOptions): Promise<SecretStore> {
  const { platform, uid, environment, moved } = options;
  return openSecretStore({
    platform,
    uid,
    environment,
    moved,
    directory: paths.secretsDir,
    perUser: false,
    onFallback: warn,
  });
}
