import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeSync } from 'node:fs';
import { openSecretStore } from '../../src/main/host/secrets/open.ts';
import type { SecretStore } from '../../src/main/host/secrets/secret-store.ts';
import { until } from './until.ts';

/*
 * Runs inside a session bus of its own: `keychain-session.ts <directory> <keyring> <step>…`. The keyring is `absent`, or
 * gnome-keyring unlocked with its password, or started without it. Prints one line of JSON.
 */

/** What one session found. */
export interface SessionReport {
  readonly kind: string;
  readonly fallbacks: readonly string[];
  readonly steps: readonly { readonly value?: string | undefined; readonly failure?: string }[];
  /** Whether the keychain's binary was mapped into this process. */
  readonly keytarLoaded: boolean;
}

/** Starts the daemon and waits until it has its name on the bus; gives what ends it. */
async function startKeyring(keyring: string): Promise<() => Promise<void>> {
  if (keyring === 'absent') return () => Promise.resolve();
  const how = keyring === 'unlocked' ? '--unlock' : '--start';
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', how, '--components=secrets'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(daemon, 'exit');
  daemon.stdin.end('password of the keyring');
  await until('the Secret Service', () => (isOwned('org.freedesktop.secrets') ? true : undefined), 20_000);
  return async () => {
    daemon.kill();
    await ended;
  };
}

function isOwned(name: string): boolean {
  const call = ['--print-reply', '--dest=org.freedesktop.DBus', '/', 'org.freedesktop.DBus.NameHasOwner'];
  return spawnSync('dbus-send', [...call, `string:${name}`], { encoding: 'utf8' }).stdout.includes('true');
}

/** Does `get:name`, `set:name:value` or `delete:name`. */
async function act(
  store: SecretStore,
  step: string,
): Promise<{ value?: string | undefined; failure?: string }> {
  const [verb, name = '', value = ''] = step.split(':');
  try {
    if (verb === 'set') await store.set(name, value);
    else if (verb === 'delete') await store.delete(name);
    else return { value: await store.get(name) };
    return {};
  } catch (error) {
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

const [directory = '', keyring = '', ...steps] = process.argv.slice(2);
const stopKeyring = await startKeyring(keyring);
const fallbacks: string[] = [];
const store = await openSecretStore({
  platform: process.platform,
  uid: process.geteuid?.(),
  environment: process.env,
  directory,
  moved: false,
  perUser: true,
  onFallback: (reason) => fallbacks.push(reason),
});
const results = [];
for (const step of steps) results.push(await act(store, step));
const report: SessionReport = {
  kind: store.kind,
  fallbacks,
  steps: results,
  keytarLoaded: readFileSync('/proc/self/maps', 'utf8').includes('keytar.node'),
};
await stopKeyring();
writeSync(1, `${JSON.stringify(report)}\n`);
// A call that a mute bus never answers holds its thread, and with it the end of the process.
process.kill(process.pid, 'SIGKILL');
