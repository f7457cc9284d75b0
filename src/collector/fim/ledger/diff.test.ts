import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_LIMITS } from '../../../shared/host-events.ts';
import { CHANGE } from '../change.ts';
import { difference, holdsSecrets, keptText } from './diff.ts';
import { examination, rule, TestLedger, watching } from './testing/test-ledger.ts';

const kept = (text: string): Buffer => {
  const found = keptText(Buffer.from(text));
  if (typeof found === 'string') throw new Error(found);
  return found;
};
const shown = (before: string, after: string): string => {
  const found = difference(kept(before), kept(after), '/etc/x');
  return 'diff' in found ? found.diff : found.noDiff;
};

describe('differences of texts', () => {
  it('show the lines that differ and three around them', () => {
    const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`);
    const patch = shown(lines.join('\n'), lines.with(10, 'LINE 10').join('\n'));
    expect(patch).toContain('--- /etc/x');
    expect(patch).toContain('-line 10\n+LINE 10\n');
    expect(patch).toContain(' line 7\n');
    expect(patch).not.toContain('line 6\n');
  });

  it('show no password and no key, neither in what is kept nor in what is sent', () => {
    const key = `-----BEGIN RSA PRIVATE KEY-----\nMIIshort\n-----END RSA PRIVATE KEY-----`;
    const patch = shown(`user=a\npassword=hunter2\n${key}\n`, `user=b\npassword=hunter3\n${key}\n`);
    expect(patch).toContain('-user=a\n+user=b\n');
    expect(patch).not.toMatch(/hunter|MIIshort/);
    expect(shown('password=one\n', 'password=two\n')).toBe('what differs is redacted');
  });

  it('are none for what is no text, and none for texts that have next to nothing in common', () => {
    expect(keptText(Buffer.of(1, 0, 2))).toBe('not a text');
    expect(keptText(Buffer.of(0xff, 0xfe))).toBe('not a text');
    const many = (letter: string): string =>
      Array.from({ length: 6_000 }, (_, n) => `${letter}${n}\n`).join('');
    expect(shown(many('a'), many('b'))).toBe('too many lines differ');
  });

  it('are never longer than an event may hold, and end with a whole character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), fc.nat(3), (text, odd) => {
        const line = `${text.replace(/[\0\n\r]/g, '')}${'x'.repeat(odd)}`;
        const patch = shown('', `${line}\u{1f600} y\n`.repeat(1_500));
        expect(patch.length).toBeLessThanOrEqual(EVENT_LIMITS.diff);
        expect(Buffer.from(patch).toString()).toBe(patch);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    'shadow',
    'SHADOW',
    'server.pem',
    'host.key',
    'id_ed25519',
    'vault.kdbx',
    '.netrc',
    'credentials',
    '.env',
  ])('are refused for %s', (name) => {
    expect(holdsSecrets(`/x/${name}`, name, [])).toBe(true);
  });

  it('are refused for what a rule calls secret, by name or by path', () => {
    const rules = [rule({ path: '/x', secrets: ['*.cred', '/x/only/this'] })];
    expect(holdsSecrets('/x/a.cred', 'a.cred', rules)).toBe(true);
    expect(holdsSecrets('/x/only/this', 'this', rules)).toBe(true);
    expect(holdsSecrets('/x/this', 'this', rules)).toBe(false);
    expect(holdsSecrets('/etc/passwd', 'passwd', rules)).toBe(false);
  });
});

describe('the text of a file', () => {
  it('R200 is shown up to the length that its rule allows, and of files that hold secrets never', () => {
    watching(
      (root, ledger) => {
        const written = (name: string, text: string): unknown => {
          writeFileSync(join(root, name), text);
          ledger.examine(examination(join(root, name), CHANGE.closedAfterWrite));
          const [event] = ledger.drain().events();
          return event?.wayfarer.no_diff ?? event?.wayfarer.diff;
        };
        expect(written('app.conf', 'two\n')).toContain('-one\n+two');
        expect(written('app.conf', 'x'.repeat(1025))).toBe('larger than 1 KB');
        expect(written('app.conf', 'yes '.repeat(256))).toBe('the text before is not known');
        expect(written('app.conf', 'no! '.repeat(256))).toContain('+no!');
        for (const name of ['.env', 'own.cred']) {
          expect(written(name, 'two\n')).toBe('a file that holds secrets');
        }
      },
      (root) => {
        for (const name of ['app.conf', '.env', 'own.cred']) writeFileSync(join(root, name), 'one\n');
      },
      (root) => [rule({ path: root, diff: true, diffMaxKb: 1, secrets: ['*.cred'] })],
    );
  });

  it('R200 is not kept once the file has the name of one that holds secrets', () => {
    watching(
      (root, ledger, file) => {
        const texts = (): unknown[] => {
          const db = new DatabaseSync(file, { readOnly: true });
          const names = db.prepare('SELECT name FROM texts').all();
          db.close();
          return names.map(({ name }) => name);
        };
        ledger.stop();
        expect(texts()).toEqual(['app.conf']);
        const [from, to] = [join(root, 'app.conf'), join(root, '.env')];
        renameSync(from, to);
        const again = new TestLedger(file).rules([rule({ path: root, diff: true })]).drain();
        expect(again.brief(root)).toEqual(['moved .env < app.conf']);
        again.stop();
        expect(texts()).toEqual([]);
      },
      (root) => writeFileSync(join(root, 'app.conf'), 'key=value'),
      (root) => [rule({ path: root, diff: true })],
    );
  });
});
