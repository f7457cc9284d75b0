import { openDpapi } from './dpapi.ts';
import { loadDataProtection } from './dpapi-library.ts';
import { absentKeychain, Keychain, keychainAbsence, loadKeytar, openKeychain } from './keychain.ts';
import { LayeredStore } from './layered-store.ts';
import { MacSystemKeychain } from './mac-system-keychain.ts';
import { openSealedFiles } from './sealed-file.ts';
import { reasonOf } from './secret-file.ts';
import type { SecretStore } from './secret-store.ts';
import { findSystemdCreds, openSystemdCreds, SYSTEMD_CREDS, systemdCredsProblem } from './systemd-creds.ts';

/** Whose secrets, and on what host. */
export interface SecretStoreOptions {
  readonly platform: NodeJS.Platform;
  /** Effective user; `undefined` on Windows. */
  readonly uid: number | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** Where sealed files go, a folder of the data directory for them alone; made when the first is written. */
  readonly directory: string;
  /** Whether the agent's root was moved (`WAYFARER_ROOT`): then nothing outside it is touched. */
  readonly moved: boolean;
  /** Whether the desktop host asks for its user. Only Windows needs to be told; elsewhere the uid says it. */
  readonly perUser: boolean;
  /** Told once, in a sentence, why the preferred store is not the one in use. */
  readonly onFallback: (reason: string) => void;
}

/** The stores there are, by the names that status shows. */
export type SecretStoreKind = 'keychain' | 'systemd-creds' | 'sealed file' | 'DPAPI' | 'System keychain';

/**
 * The store that suits this host and user, whether or not it answers. Never the keychain for root on Linux, nor where
 * there is no session bus: looking for one would start one.
 */
export function preferredStore(
  options: Pick<SecretStoreOptions, 'platform' | 'uid' | 'environment' | 'moved' | 'perUser'>,
): SecretStoreKind {
  const { platform, uid, environment, moved, perUser } = options;
  if (platform === 'win32') return perUser && !moved ? 'keychain' : 'DPAPI';
  if (moved) return 'sealed file';
  const root = uid === 0;
  if (platform === 'darwin') return root ? 'System keychain' : 'keychain';
  if (platform !== 'linux') return 'sealed file';
  if (root) return 'systemd-creds';
  return (environment['DBUS_SESSION_BUS_ADDRESS'] ?? '') === '' ? 'sealed file' : 'keychain';
}

/**
 * Opens the preferred store, or the sealed files where it can't be used here; what an earlier run left in the sealed
 * files is still found. Never rejects.
 */
export async function openSecretStore(options: SecretStoreOptions): Promise<SecretStore> {
  const { platform, directory, onFallback } = options;
  const kind = preferredStore(options);
  switch (kind) {
    case 'DPAPI':
      return openDpapi(directory, () => loadDataProtection());
    case 'System keychain':
      return new LayeredStore(openKeychain(directory, new MacSystemKeychain(), kind), [
        openSealedFiles(directory),
      ]);
    case 'systemd-creds':
      return openForRoot(directory, onFallback);
    case 'keychain':
      return openForUser(
        directory,
        platform === 'win32' ? openDpapi(directory, () => loadDataProtection()) : openSealedFiles(directory),
        onFallback,
      );
    case 'sealed file':
      return withoutKeychain(directory, openSealedFiles(directory), 'there is no session bus');
  }
}

const NOT_INSTALLED = 'systemd-creds is not installed (it comes with systemd 250)';

async function openForRoot(directory: string, onFallback: (reason: string) => void): Promise<SecretStore> {
  const sealed = openSealedFiles(directory);
  const tool = findSystemdCreds();
  const creds = openSystemdCreds(directory, tool ?? SYSTEMD_CREDS);
  const problem = tool === undefined ? NOT_INSTALLED : await systemdCredsProblem(tool);
  if (problem === undefined) return new LayeredStore(creds, [sealed]);
  onFallback(`${problem}: secrets go to a sealed file`);
  return new LayeredStore(sealed, [creds]);
}

async function openForUser(
  directory: string,
  fallback: SecretStore,
  onFallback: (reason: string) => void,
): Promise<SecretStore> {
  const without = (reason: string): SecretStore => {
    onFallback(`${reason}: secrets go to a store of kind ${fallback.kind}`);
    return withoutKeychain(directory, fallback, reason);
  };
  try {
    const keychain = new Keychain(await loadKeytar());
    const absence = await keychainAbsence(keychain);
    return absence === undefined
      ? new LayeredStore(openKeychain(directory, keychain), [fallback])
      : without(absence);
  } catch (error) {
    return without(reasonOf(error));
  }
}

/** A store in place of the keychain, which says so of what an earlier run put there. */
const withoutKeychain = (directory: string, store: SecretStore, reason: string): SecretStore =>
  new LayeredStore(store, [openKeychain(directory, absentKeychain(reason))]);
