import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSecretStore } from '../../src/main/host/secrets/open.ts';
import { openSealedFiles } from '../../src/main/host/secrets/sealed-file.ts';
import type { SecretStore } from '../../src/main/host/secrets/secret-store.ts';
import { findSystemdCreds, systemdCredsProblem } from '../../src/main/host/secrets/systemd-creds.ts';
import { because, noLinuxRoot, noProgram, unless, type Reason } from '../support/reason.ts';

/* The secrets of the service under the real systemd-creds(1). Makes the host's key of systemd where there is none. */

async function whyNot(): Promise<Reason> {
  const missing = noLinuxRoot ?? noProgram('systemd-creds', 'systemd');
  if (missing !== undefined) return missing;
  const problem = await systemdCredsProblem(findSystemdCreds() ?? '/usr/bin/systemd-creds');
  return unless(
    problem === undefined,
    `a host where systemd-creds works (here: ${problem ?? ''})`,
    'sudo npm test',
  );
}
const missing = await whyNot();

describe.skipIf(missing !== undefined)(`the secrets of the service${because(missing)}`, () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'wf-creds-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const open = (): Promise<SecretStore> =>
    openSecretStore({
      platform: 'linux',
      uid: 0,
      environment: process.env,
      directory,
      moved: false,
      perUser: false,
      onFallback: (reason) => expect.fail(reason),
    });

  it('come back as they were set, line breaks and all', async () => {
    for (const value of ['p@ss w;rd%é', 'two\nlines\n', ' ', 'x'.repeat(2_048)]) {
      await (await open()).set('password', value);
      expect(await (await open()).get('password')).toBe(value);
    }
    expect((await open()).kind).toBe('systemd-creds');
    expect(readdirSync(directory)).toEqual(['password.cred']);
    expect(statSync(join(directory, 'password.cred')).mode & 0o777).toBe(0o600);
  });

  it('are refused when the file was changed or stands in for another one', async () => {
    const store = await open();
    await store.set('first', 'one');
    await store.set('second', 'two');
    renameSync(join(directory, 'first.cred'), join(directory, 'second.cred'));
    await expect(store.get('second')).rejects.toThrow('second.cred');

    await store.set('second', 'two');
    const sealed = Buffer.from(readFileSync(join(directory, 'second.cred'), 'utf8'), 'base64');
    sealed[sealed.length - 20]! ^= 1;
    writeFileSync(join(directory, 'second.cred'), sealed.toString('base64'));
    await expect(store.get('second')).rejects.toThrow('set the secret again');
  });

  it('are still found where an earlier run had only a sealed file', async () => {
    await openSealedFiles(directory).set('password', 'old');
    const store = await open();
    expect(await store.get('password')).toBe('old');
    await store.set('password', 'new');
    expect(await store.get('password')).toBe('new');
    expect(readdirSync(directory).sort()).toEqual(['key', 'password.cred']);
    await store.delete('password');
    expect(await store.get('password')).toBeUndefined();
  });
});
