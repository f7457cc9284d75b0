import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionReport } from '../support/keychain-session.ts';
import { because, noLinuxRoot, noProgram, type Reason } from '../support/reason.ts';
import { CLONE } from '../support/run.ts';

/*
 * The secrets of a user in a real keychain: gnome-keyring on a session bus that is made for each run and knows nothing
 * of this machine's own. Needs root to become that user.
 */

const NOBODY = 65_534;
const PACKAGES = 'dbus gnome-keyring libsecret-1-0';
const missing: Reason =
  noLinuxRoot ??
  noProgram('dbus-run-session', PACKAGES) ??
  noProgram('dbus-send', PACKAGES) ??
  noProgram('gnome-keyring-daemon', PACKAGES);

/** A session bus that starts nothing by itself: what is not started by the test is absent. */
const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    ANSWERS
    <allow own="*"/>
  </policy>
</busconfig>
`;
const ANSWERS = '<allow eavesdrop="true"/>';

describe.skipIf(missing !== undefined)(`the secrets of a user${because(missing)}`, () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'wf-keychain-'));
    chmodSync(home, 0o755);
    // Copies that the user may read, whatever the rights of the clone.
    cpSync(process.execPath, join(home, 'node'));
    for (const path of [
      'src/main/host',
      'src/shared',
      'src/wire',
      'test/support',
      'node_modules/keytar',
      'node_modules/zod',
      'package.json',
    ])
      cpSync(join(CLONE, path), join(home, 'clone', path), { recursive: true });
    writeFileSync(join(home, 'bus.conf'), BUS.replace('ANSWERS', ANSWERS));
    writeFileSync(join(home, 'mute.conf'), BUS.replace('ANSWERS', ''));
    for (const path of ['home', 'run', 'data']) {
      mkdirSync(join(home, path), { mode: 0o700 });
      chownSync(join(home, path), NOBODY, NOBODY);
    }
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const secrets = (): string => join(home, 'data', 'secrets');

  /** Does the steps in a session of this user (or root) with this keyring. */
  async function session(
    keyring: 'unlocked' | 'locked' | 'absent',
    steps: readonly string[],
    { uid = NOBODY, bus = 'bus.conf' } = {},
  ): Promise<SessionReport> {
    const script = join(home, 'clone/test/support/keychain-session.ts');
    const command = [join(home, 'node'), '--no-warnings', script, secrets(), keyring, ...steps];
    const child = spawn('dbus-run-session', [`--config-file=${join(home, bus)}`, '--', ...command], {
      uid,
      gid: uid,
      cwd: '/',
      env: { PATH: process.env['PATH'], HOME: join(home, 'home'), XDG_RUNTIME_DIR: join(home, 'run') },
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const line = stdout.trim().split('\n').at(-1) ?? '';
    if (!line.startsWith('{')) throw new Error(`no report: ${stdout} ${stderr}`);
    return JSON.parse(line) as SessionReport;
  }

  it('stand in the keychain alone, over the end of the session', async () => {
    const first = await session('unlocked', ['get:password', 'set:password:p@ss w;rd%é', 'get:password']);
    expect(first).toEqual({
      kind: 'keychain',
      fallbacks: [],
      steps: [{}, {}, { value: 'p@ss w;rd%é' }],
      keytarLoaded: true,
    });
    expect(readdirSync(secrets())).toEqual(['password.keychain']);
    expect(readFileSync(join(secrets(), 'password.keychain'), 'utf8')).not.toContain('p@ss');

    const second = await session('unlocked', ['get:password', 'delete:password', 'get:password']);
    expect(second.steps).toEqual([{ value: 'p@ss w;rd%é' }, {}, {}]);
    expect(readdirSync(secrets())).toEqual([]);
  });

  it('are reported as locked, not as missing, when the keychain is', async () => {
    await session('unlocked', ['set:password:kept']);
    const locked = await session('locked', ['get:password', 'set:password:other', 'get:never-set']);
    expect(locked.kind).toBe('keychain');
    expect(locked.steps[0]!.failure).toMatch(/^SecretsUnavailable: .*unlock it/);
    expect(locked.steps[1]!.failure).toMatch(/^SecretsUnavailable: .*locked/);
    expect(locked.steps[2]).toEqual({});
    expect((await session('unlocked', ['get:password'])).steps).toEqual([{ value: 'kept' }]);
  });

  it('go to a sealed file where there is no keychain, and that is said', async () => {
    const without = await session('absent', ['set:password:sealed', 'get:password']);
    expect(without.kind).toBe('sealed file');
    expect(without.fallbacks).toEqual([expect.stringContaining('org.freedesktop.secrets')]);
    expect(without.steps).toEqual([{}, { value: 'sealed' }]);
    expect(readdirSync(secrets()).sort()).toEqual(['key', 'password.sealed']);

    const later = await session('unlocked', ['get:password', 'set:password:new', 'get:password']);
    expect(later.kind).toBe('keychain');
    expect(later.steps).toEqual([{ value: 'sealed' }, {}, { value: 'new' }]);
    expect(existsSync(join(secrets(), 'password.sealed'))).toBe(false);
  });

  it('wait for no keychain longer than 5 s, and go to no weaker place meanwhile', async () => {
    const mute = await session('absent', ['set:password:value', 'get:password'], { bus: 'mute.conf' });
    expect(mute.kind).toBe('keychain');
    expect(mute.steps[0]!.failure).toMatch(/^SecretsUnavailable: .*has not answered for 5 s/);
    expect(existsSync(secrets()) && readdirSync(secrets())).toEqual([]);
  });

  it('of root never go to a keychain, even within a session that has one', async () => {
    for (const path of ['home', 'run', 'data']) chownSync(join(home, path), 0, 0);
    const root = await session('unlocked', ['set:password:of root', 'get:password'], { uid: 0 });
    expect(root.kind).not.toBe('keychain');
    expect(root.keytarLoaded).toBe(false);
    expect(root.steps).toEqual([{}, { value: 'of root' }]);
  });
});
