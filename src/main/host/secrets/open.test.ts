import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSecretStore, preferredStore } from './open.ts';

const user = { uid: 1000, environment: {}, moved: false, perUser: false };
const withBus = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus' };

describe('the choice of a store', () => {
  it.each([
    ['linux, root', { ...user, platform: 'linux', uid: 0 }, 'systemd-creds'],
    [
      'linux, root in a user session',
      { ...user, platform: 'linux', uid: 0, environment: withBus },
      'systemd-creds',
    ],
    ['linux, user with a session bus', { ...user, platform: 'linux', environment: withBus }, 'keychain'],
    ['linux, user without a session bus', { ...user, platform: 'linux' }, 'sealed file'],
    [
      'linux, bus set to nothing',
      { ...user, platform: 'linux', environment: { DBUS_SESSION_BUS_ADDRESS: '' } },
      'sealed file',
    ],
    ['macOS, root', { ...user, platform: 'darwin', uid: 0 }, 'System keychain'],
    ['macOS, user', { ...user, platform: 'darwin' }, 'keychain'],
    ['Windows, service', { ...user, platform: 'win32', uid: undefined }, 'DPAPI'],
    ['Windows, desktop host', { ...user, platform: 'win32', uid: undefined, perUser: true }, 'keychain'],
    ['another Unix', { ...user, platform: 'freebsd', uid: 0 }, 'sealed file'],
  ] as const)('%s: %j is kept in %s', (_, options, kind) => {
    expect(preferredStore(options)).toBe(kind);
  });

  const anyOptions = fc.record({
    platform: fc.constantFrom<NodeJS.Platform>('linux', 'darwin', 'win32', 'freebsd'),
    uid: fc.constantFrom(undefined, 0, 1000),
    environment: fc.constantFrom({}, withBus),
    moved: fc.boolean(),
    perUser: fc.boolean(),
  });

  it('never asks a session bus for root, nor where there is none, whoever else asks', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const bus = options.environment === withBus && options.uid !== 0;
        if (options.platform === 'linux' && !bus) expect(preferredStore(options)).not.toBe('keychain');
      }),
    );
  });

  it('stays inside a moved root', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        expect(['sealed file', 'DPAPI']).toContain(preferredStore({ ...options, moved: true }));
      }),
    );
  });
});

describe('opening a store', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'wf-open-secrets-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('loads nothing of the keychain where it is not used', async () => {
    const loaded = (): boolean =>
      Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('keytar'));
    const before = loaded();
    const store = await openSecretStore({
      ...user,
      platform: 'linux',
      uid: 0,
      environment: withBus,
      moved: true,
      directory,
      onFallback: () => undefined,
    });
    expect(store.kind).toBe('sealed file');
    expect([before, loaded()]).toEqual([false, false]);
  });

  it('asks the System keychain of macOS for nothing that no file says it has', async () => {
    const store = await openSecretStore({
      ...user,
      platform: 'darwin',
      uid: 0,
      directory,
      onFallback: () => undefined,
    });
    expect(store.kind).toBe('System keychain');
    // There is no security(1) here: asking it would reject.
    expect(await store.get('proxy-credentials')).toBeUndefined();
    writeFileSync(join(directory, 'proxy-credentials.keychain'), 'in the keychain\n', { mode: 0o600 });
    await expect(store.get('proxy-credentials')).rejects.toThrow('System.keychain');
  });
});
