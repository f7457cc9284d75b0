import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretsUnavailable } from './secret-store.ts';
import { openSystemdCreds, systemdCredsProblem } from './systemd-creds.ts';
import { ToolFailed, type RunTool } from './tool.ts';

const TOOL = '/usr/bin/systemd-creds';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'wf-creds-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('the store under systemd-creds', () => {
  it('hands values over on standard input, with the name sealed in and no PCR', async () => {
    const calls: [string, readonly string[], string][] = [];
    const run: RunTool = (file, args, input) => {
      calls.push([file, args, input]);
      return Promise.resolve(args[0] === 'encrypt' ? 'Whxqht+dQJ==\n' : 'hunter2');
    };
    await openSystemdCreds(directory, TOOL, run).set('proxy-password', 'hunter2');
    const name = '--name=wayfarer.proxy-password';
    expect(calls).toEqual([
      [TOOL, ['encrypt', name, '--with-key=auto', '--tpm2-pcrs=', '-', '-'], 'hunter2'],
      [TOOL, ['decrypt', name, '--newline=no', '-', '-'], 'Whxqht+dQJ==\n'],
    ]);
    expect(readFileSync(join(directory, 'proxy-password.cred'), 'utf8')).toBe('Whxqht+dQJ==\n');
  });

  it('keeps the old file when the sealed value does not open again', async () => {
    let opens = 'first';
    const run: RunTool = (_, args) => Promise.resolve(args[0] === 'encrypt' ? `sealed ${opens}` : opens);
    const store = openSystemdCreds(directory, TOOL, run);
    await store.set('proxy-password', 'first');
    opens = 'something else';
    await expect(store.set('proxy-password', 'second')).rejects.toThrow(SecretsUnavailable);
    expect(readFileSync(join(directory, 'proxy-password.cred'), 'utf8')).toBe('sealed first');
  });

  it('passes on why the tool refuses', async () => {
    const run: RunTool = (file) =>
      Promise.reject(new ToolFailed(`${file}: Failed to determine local credential host secret`, 1));
    expect(await systemdCredsProblem(TOOL, run)).toContain('host secret');
    expect(await systemdCredsProblem(TOOL, () => Promise.resolve('sealed'))).toBeUndefined();
  });
});
