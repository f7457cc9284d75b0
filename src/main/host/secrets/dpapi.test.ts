import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDpapi } from './dpapi.ts';
import type { DataProtection } from './dpapi-library.ts';
import { SecretsUnavailable } from './secret-store.ts';

/** Stands for CryptProtectData: refuses to open with other entropy than it sealed with. */
const fakeProtection: DataProtection = {
  protect: (plain, entropy) => Buffer.from(JSON.stringify([plain.toString('hex'), entropy.toString('hex')])),
  unprotect: (sealed, entropy) => {
    const [plain, bound] = JSON.parse(sealed.toString()) as [string, string];
    if (bound !== entropy.toString('hex')) throw new Error('CryptUnprotectData failed with error 13');
    return Buffer.from(plain, 'hex');
  },
};

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'wf-dpapi-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('the store under DPAPI', () => {
  it('hands bytes over and keeps what comes back in base64', async () => {
    const store = openDpapi(directory, () => fakeProtection);
    await store.set('proxy-password', 'pä55');
    expect(await store.get('proxy-password')).toBe('pä55');
    const stored = Buffer.from(
      readFileSync(join(directory, 'proxy-password.dpapi'), 'utf8'),
      'base64',
    ).toString();
    expect(JSON.parse(stored)).toEqual([
      Buffer.from('pä55').toString('hex'),
      Buffer.from('wayfarer.proxy-password').toString('hex'),
    ]);
  });

  it('says which file Windows refused to open, and what to do', async () => {
    await openDpapi(directory, () => fakeProtection).set('proxy-password', 'value');
    const refusing = openDpapi(directory, () => ({
      ...fakeProtection,
      unprotect: () => {
        throw new Error('CryptUnprotectData failed with error 13');
      },
    }));
    const get = refusing.get('proxy-password');
    await expect(get).rejects.toThrow(SecretsUnavailable);
    await expect(get).rejects.toThrow(join(directory, 'proxy-password.dpapi'));
    await expect(get).rejects.toThrow('error 13');
    await expect(get).rejects.toThrow('set the secret again');
  });

  it('is unavailable where the library does not load, and nothing is written', async () => {
    const store = openDpapi(directory, () => {
      throw new Error('crypt32.dll: cannot open shared object file');
    });
    await expect(store.set('proxy-password', 'value')).rejects.toThrow(SecretsUnavailable);
    expect(await store.get('proxy-password')).toBeUndefined();
  });
});
