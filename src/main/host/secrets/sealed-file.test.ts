import {
  chmodSync,
  chownSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../../test/support/reason.ts';
import { MAX_SECRET_BYTES } from './entry.ts';
import { openSealedFiles } from './sealed-file.ts';
import { SecretsUnavailable } from './secret-store.ts';

const NAME = 'proxy-password';

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'wf-sealed-')), 'secrets');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

const file = (name = NAME): string => join(directory, `${name}.sealed`);
const keyFile = (): string => join(directory, 'key');
const mode = (path: string): number => statSync(path).mode & 0o777;

/** Expects a refusal that names the file and what to do. */
async function refusal(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SecretsUnavailable);
  return (error as SecretsUnavailable).message;
}

describe('sealed files', () => {
  it('give back any text that was set, by whichever process asks', async () => {
    const secret = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(
        secret.filter((text) => !text.includes('\0')),
        async (text) => {
          await openSealedFiles(directory).set(NAME, text);
          expect(await openSealedFiles(directory).get(NAME)).toBe(text);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('know no secret before one is set, and make no key for asking', async () => {
    expect(await openSealedFiles(directory).get(NAME)).toBeUndefined();
    expect(() => readdirSync(directory)).toThrow('ENOENT');
  });

  it('stand where their owner alone can read, without a trace of the value', async () => {
    await openSealedFiles(directory).set(NAME, 'correct horse battery');
    expect([mode(directory), mode(file()), mode(keyFile())]).toEqual([0o700, 0o600, 0o600]);
    expect(readdirSync(directory).sort()).toEqual(['key', `${NAME}.sealed`]);
    expect(readFileSync(file(), 'utf8')).not.toContain('horse');
    expect(readFileSync(file(), 'utf8')).not.toContain(
      Buffer.from('correct horse battery').toString('base64').slice(0, 12),
    );
  });

  it('never seal the same value in the same way twice', async () => {
    const store = openSealedFiles(directory);
    await store.set(NAME, 'value');
    const first = readFileSync(file(), 'utf8');
    await store.set(NAME, 'value');
    expect(readFileSync(file(), 'utf8')).not.toBe(first);
  });

  it('refuse a file with any bit of nonce, data or tag changed', async () => {
    const store = openSealedFiles(directory);
    await store.set(NAME, 'value');
    const { nonce, data } = JSON.parse(readFileSync(file(), 'utf8')) as { nonce: string; data: string };
    const bytes = Buffer.concat([Buffer.from(nonce, 'base64'), Buffer.from(data, 'base64')]);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const text = {
        version: 1,
        nonce: changed.toString('base64', 0, 12),
        data: changed.toString('base64', 12),
      };
      writeFileSync(file(), JSON.stringify(text));
      await expect(store.get(NAME)).rejects.toThrow(SecretsUnavailable);
    }
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'x'.repeat(100)],
    ['a tag cut short', JSON.stringify({ version: 1, nonce: 'A'.repeat(16), data: 'AAAA' })],
    ['another version', JSON.stringify({ version: 2, nonce: 'A'.repeat(16), data: 'A'.repeat(40) })],
    ['a megabyte', 'A'.repeat(1_000_000)],
  ])('name the file and the next step when it holds %s', async (_, content) => {
    const store = openSealedFiles(directory);
    await store.set(NAME, 'value');
    writeFileSync(file(), content);
    const message = await refusal(store.get(NAME));
    expect(message).toContain(file());
    expect(message).toContain('set the secret again');
  });

  it('refuse a file that took the place of another one', async () => {
    const store = openSealedFiles(directory);
    await store.set('first', 'one');
    await store.set('second', 'two');
    renameSync(file('first'), file('second'));
    expect(await refusal(store.get('second'))).toContain(file('second'));
  });

  it('say so when the key is missing, and work again once a value is set', async () => {
    const store = openSealedFiles(directory);
    await store.set(NAME, 'value');
    rmSync(keyFile());
    expect(await refusal(store.get(NAME))).toContain(keyFile());
    await store.set(NAME, 'other');
    expect(await store.get(NAME)).toBe('other');
  });

  it('agree on one key when several processes write their first secret at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `secret-${String(index)}`);
    await Promise.all(names.map((name) => openSealedFiles(directory).set(name, name)));
    expect(await Promise.all(names.map((name) => openSealedFiles(directory).get(name)))).toEqual(names);
  });

  it('go on after the process that made the key was killed before it removed the name it wrote it under', async () => {
    await openSealedFiles(directory).set(NAME, 'first');
    linkSync(keyFile(), `${keyFile()}.0123456789abcdef.new`);
    expect(await openSealedFiles(directory).get(NAME)).toBe('first');
    expect(readdirSync(directory).sort()).toEqual(['key', `${NAME}.sealed`]);
  });

  it('forget a secret for good, also one that is not there', async () => {
    const store = openSealedFiles(directory);
    await store.delete(NAME);
    await store.set(NAME, 'value');
    await store.delete(NAME);
    await store.delete(NAME);
    expect(await store.get(NAME)).toBeUndefined();
    expect(readdirSync(directory)).toEqual(['key']);
  });

  it.each(['', '../key', 'a/b', 'a.b', 'A', '-a', 'a'.repeat(65), 'a\0'])(
    'take no name like %j',
    async (name) => {
      const store = openSealedFiles(directory);
      await expect(store.get(name)).rejects.toThrow(RangeError);
      await expect(store.set(name, 'value')).rejects.toThrow(RangeError);
      await expect(store.delete(name)).rejects.toThrow(RangeError);
    },
  );

  it.each([
    ['empty', ''],
    ['longer than a keychain of some system takes', 'é'.repeat(MAX_SECRET_BYTES / 2 + 1)],
    ['cut by a NUL', 'hunter2\0'],
    ['half a surrogate pair', 'hunter2\ud800'],
  ])('refuse a value that is %s, without repeating it', async (_, value) => {
    const setting = openSealedFiles(directory).set(NAME, value);
    await expect(setting).rejects.toThrow(RangeError);
    await expect(setting).rejects.not.toThrow('hunter2');
  });
});

describe('a file that another user may have made', () => {
  const spoilers: [string, (path: string) => void][] = [
    ['readable by others', (path) => chmodSync(path, 0o604)],
    ['writable by its group', (path) => chmodSync(path, 0o620)],
    [
      'a link to the real one',
      (path) => {
        renameSync(path, `${path}.real`);
        symlinkSync(`${path}.real`, path);
      },
    ],
    ['known under a second name', (path) => linkSync(path, `${path}.second`)],
  ];

  it.each(spoilers)('is refused when it is %s', async (_, spoil) => {
    for (const path of [file(), keyFile()]) {
      const store = openSealedFiles(directory);
      await store.set(NAME, 'value');
      spoil(path);
      const message = await refusal(store.get(NAME));
      expect(message).toContain(path);
      expect(message).toContain('set the secret again');
      rmSync(directory, { recursive: true });
    }
  });

  it.skipIf(noRoot !== undefined)(
    `is refused when it belongs to someone else${because(noRoot)}`,
    async () => {
      const store = openSealedFiles(directory);
      await store.set(NAME, 'value');
      chownSync(file(), 65_534, 65_534);
      expect(await refusal(store.get(NAME))).toContain('65534');
    },
  );

  it('does not stop the file from being replaced or removed', async () => {
    const store = openSealedFiles(directory);
    await store.set(NAME, 'value');
    chmodSync(file(), 0o666);
    await store.set(NAME, 'other');
    expect(await store.get(NAME)).toBe('other');
    rmSync(file());
    symlinkSync(keyFile(), file());
    await store.delete(NAME);
    expect(readdirSync(directory)).toEqual(['key']);
  });
});
