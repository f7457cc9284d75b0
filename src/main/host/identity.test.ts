import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnsafeFile } from './atomic-file.ts';
import { readHostId, writeHostId } from './host-id.ts';
import { IdentityFiles, type Registration } from './identity.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const REGISTRATION: Registration = {
  hostId: ID,
  agentKeyId: 'key',
  customerId: ID,
  activationId: ID,
  activationTitle: 'Laptops',
  tags: ['a'],
  platformKey: 'If71XRuddG5mmm9kPMFhOpNH4oo2vH6X4M79PDhROG8',
  pinned: 'first use',
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wayfarer-identity-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('the Host ID file', () => {
  it('R015 holds the Host ID as a line of plain text that every user may read, whatever the umask', () => {
    const path = join(directory, 'hostid');
    const before = process.umask(0o077);
    try {
      writeHostId(path, ID);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readHostId(path)).toEqual({ state: 'present', hostId: ID });
  });

  it.each([`${ID.toUpperCase()}\r\n`, `{${ID}}`, `\n  ${ID}\n\n`])(
    'R017 is understood as other tools wrote it: %j',
    (text) => {
      const path = join(directory, 'hostid');
      writeFileSync(path, text);
      expect(readHostId(path)).toEqual({ state: 'present', hostId: ID });
    },
  );

  it.each(['', 'x', `${ID}\n${ID}`, `${ID}0`, ID.replaceAll('-', '')])(
    'is invalid, not absent, when it holds something else: %j',
    (text) => {
      const path = join(directory, 'hostid');
      expect(readHostId(path)).toEqual({ state: 'absent' });
      writeFileSync(path, text);
      expect(readHostId(path)).toEqual({ state: 'invalid' });
    },
  );

  it('is not read through a link', () => {
    writeFileSync(join(directory, 'other'), ID);
    symlinkSync(join(directory, 'other'), join(directory, 'hostid'));
    expect(() => readHostId(join(directory, 'hostid'))).toThrow(UnsafeFile);
  });
});

describe('the files of the identity', () => {
  it('keep registration and key, readable by the agent alone', () => {
    const files = new IdentityFiles(directory);
    expect(files.registration()).toBeUndefined();
    const pair = files.keyPair();
    files.storeRegistration(REGISTRATION);
    const again = new IdentityFiles(directory);
    expect(again.keyPair().publicKey).toBe(pair.publicKey);
    expect(again.registration()).toEqual(REGISTRATION);
    for (const name of ['registration.json', 'agent-key.pem']) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    }
  });

  it('forget a registration, and make another key on demand', () => {
    const files = new IdentityFiles(directory);
    files.storeRegistration(REGISTRATION);
    const first = files.keyPair().publicKey;
    files.forgetRegistration();
    const second = files.renewKeyPair().publicKey;
    expect(files.registration()).toBeUndefined();
    expect(second).not.toBe(first);
    expect(files.keyPair().publicKey).toBe(second);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    JSON.stringify({ ...REGISTRATION, hostId: 'x' }),
    JSON.stringify({ ...REGISTRATION, platformKey: undefined }),
    ' '.repeat(70_000),
  ])('take a damaged registration as none: %.30j', (text) => {
    writeFileSync(join(directory, 'registration.json'), text);
    expect(new IdentityFiles(directory).registration()).toBeUndefined();
  });

  it('replace a key file that holds no Ed25519 key', () => {
    const path = join(directory, 'agent-key.pem');
    const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const text of ['', 'rubbish', rsa.export({ format: 'pem', type: 'pkcs8' }).toString()]) {
      writeFileSync(path, text);
      const made = new IdentityFiles(directory).keyPair();
      expect(new IdentityFiles(directory).keyPair().keyId).toBe(made.keyId);
    }
  });

  it('neither follow a link in place of the key nor replace it silently', () => {
    mkdirSync(join(directory, 'd'));
    symlinkSync(join(directory, 'd'), join(directory, 'agent-key.pem'));
    expect(() => new IdentityFiles(directory).keyPair()).toThrow(UnsafeFile);
  });

  it('close a key file that something has opened to others', () => {
    new IdentityFiles(directory).keyPair();
    chmodSync(join(directory, 'agent-key.pem'), 0o644);
    new IdentityFiles(directory).keyPair();
    expect(statSync(join(directory, 'agent-key.pem')).mode & 0o777).toBe(0o600);
  });
});
