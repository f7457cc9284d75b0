import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { FimRule } from '../../../shared/file-integrity.ts';
import { CHANGE, type Attribution } from '../change.ts';
import { Folder } from './folder.ts';
import { actor, examination, rule, watching } from './testing/test-ledger.ts';

const { created, modified, closedAfterWrite, attributes, movedFrom, movedTo } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

/** What is told of a file that is moved, with a critical rule on its old path and one of medium severity on its directory. */
function toldOfMove(
  wide: Partial<FimRule>,
  grave: Partial<FimRule>,
  { to = 'other', isWritten = false }: { to?: string; isWritten?: boolean } = {},
): string[] {
  const told: string[] = [];
  watching(
    (root, ledger) => {
      const by = { presence: actor(1), content: actor(1) };
      const [from, at] = [join(root, 'known'), join(root, to)];
      renameSync(from, at);
      if (isWritten) appendFileSync(at, 'more');
      const what = isWritten ? movedTo | WRITTEN : movedTo;
      ledger.examine(examination(from, movedFrom, { by }), examination(at, what, { by, from }));
      for (const { event, file, wayfarer, rule: named } of ledger.drain().events()) {
        const before =
          file.previous_path === undefined ? '' : ` < ${file.previous_path.slice(root.length + 1)}`;
        const what = `${event.action} ${file.path.slice(root.length + 1)}${before}`;
        told.push(`${what}: ${wayfarer.severity}, ${named.id}`);
      }
    },
    (root) => {
      for (const name of ['known', 'there']) writeFileSync(join(root, name), name);
    },
    (root) => [
      rule({ id: 'wide', ...wide, path: join(root, wide.path ?? '.') }),
      rule({ id: 'grave', kind: 'file', severity: 'critical', ...grave, path: join(root, 'known') }),
    ],
  );
  return told;
}

describe('rules', () => {
  it('R206 name the first that wants a change, with the highest severity of all that do', () => {
    watching(
      (root, ledger) => {
        writeFileSync(join(root, 'file'), '');
        ledger.examine(examination(join(root, 'file'), created));
        const [event] = ledger.drain().events();
        expect(event?.rule.id).toBe('second');
        expect(event?.wayfarer.severity).toBe('critical');
        expect(event?.event.severity).toBe(4);
      },
      undefined,
      (root) => [
        rule({ id: 'first', path: root, events: ['delete'] }),
        rule({ id: 'second', path: root, severity: 'low' }),
        rule({ id: 'third', path: root, severity: 'critical' }),
      ],
    );
  });

  it('R206 leave excluded users and programs out but follow their changes, and nobody hides behind one of them', () => {
    watching(
      (root, ledger) => {
        const path = join(root, 'file');
        const backup = actor(1, { user: { id: '34', name: 'backup' } });
        const write = (...others: ReturnType<typeof actor>[]): void => {
          appendFileSync(path, 'x');
          ledger.examine(examination(path, WRITTEN, { by: { content: backup }, others }));
        };
        write();
        expect(ledger.drain().events()).toEqual([]);
        write(actor(2));
        const [event] = ledger.drain().events();
        expect(event?.wayfarer.before?.size).toBe(1);
        expect(event?.wayfarer.other_actors).toMatchObject([{ process: { pid: 2 } }]);
      },
      (root) => {
        writeFileSync(join(root, 'file'), '');
      },
      (root) => [rule({ path: root, excludeUsers: ['backup'], excludeProcesses: ['/bin/sync*'] })],
    );
  });

  it.each<[string, Attribution, boolean]>([
    ['a program', actor(1, { process: { pid: 1, executable: '/bin/sync2' } }), false],
    ['a program of another directory', actor(1, { process: { pid: 1, executable: '/x/bin/sync2' } }), true],
    ['a program below one', actor(1, { process: { pid: 1, executable: '/bin/sync2/sh' } }), true],
    ['a program that is not known', actor(1, { process: { pid: 1 } }), true],
    ['a user by number', actor(1, { user: { id: '34', name: 'backup' } }), false],
    ['a user without a name', actor(1, { user: { id: '34' } }), false],
    ['a user whose name is the number', actor(1, { user: { id: '7', name: '340' } }), true],
    ['nobody', { actor: { state: 'unknown', reason: 'gone' } }, true],
  ])('R206 that exclude programs by path and users by number are asked of %s', (_, by, isTold) => {
    watching(
      (root, ledger) => {
        appendFileSync(join(root, 'file'), 'x');
        ledger.examine(examination(join(root, 'file'), WRITTEN, { by: { content: by } }));
        expect(ledger.drain().events()).toHaveLength(isTold ? 1 : 0);
      },
      (root) => {
        writeFileSync(join(root, 'file'), '');
      },
      (root) => [rule({ path: root, excludeUsers: ['34'], excludeProcesses: ['/bin/sync*'] })],
    );
  });

  it('R206 of a link watch the link itself: a file or a directory in its place is a change of type', () => {
    watching(
      (root, ledger) => {
        const link = join(root, 'link');
        appendFileSync(join(root, 'target/file'), 'more');
        ledger.examine(examination(join(root, 'target/file'), WRITTEN));
        expect(ledger.drain().events()).toEqual([]);
        const replaced = (make: () => void): unknown => {
          rmSync(link, { recursive: true });
          make();
          ledger.examine(examination(link, created));
          const [event, ...others] = ledger.drain().events();
          expect(others).toEqual([]);
          expect(event?.wayfarer.changed).toContain('type');
          return [event?.event.action, event?.wayfarer.before?.type, event?.file.type];
        };
        const isFile = replaced(() => {
          writeFileSync(link, 'a file');
        });
        expect(isFile).toEqual(['updated', 'symlink', 'file']);
        const isDirectory = replaced(() => {
          mkdirSync(join(link, 'below'), { recursive: true });
        });
        expect(isDirectory).toEqual(['updated', 'file', 'dir']);
        const isLink = replaced(() => {
          symlinkSync('elsewhere', link);
        });
        expect(isLink).toEqual(['updated', 'dir', 'symlink']);
        expect(ledger.last('rules')?.troubles).toEqual([]);
      },
      (root) => {
        mkdirSync(join(root, 'target'));
        writeFileSync(join(root, 'target/file'), '');
        symlinkSync('target', join(root, 'link'));
      },
      (root) => [rule({ kind: 'symlink', path: join(root, 'link') })],
    );
  });

  it.each<[string, Partial<FimRule>, string[]]>([
    ['the gravest of both', {}, ['moved other < known: critical, grave']],
    ['that of the old path, by itself', { events: ['content'] }, ['moved other < known: critical, grave']],
    [
      'that of the new path too, where it is graver',
      { severity: 'critical' },
      ['moved other < known: critical, wide'],
    ],
  ])('R200 R206 of both paths of a move are asked, and it names %s', (_, wide, told) => {
    expect(toldOfMove(wide, {})).toEqual(told);
  });

  it('R200 R206 of the old path that want deletions hear of one where no rule of the new one wants a move', () => {
    expect(toldOfMove({ events: ['content'] }, { events: ['delete'] })).toEqual([
      'deleted known: critical, grave',
    ]);
    expect(toldOfMove({}, { events: ['delete'] })).toEqual(['moved other < known: critical, grave']);
    expect(toldOfMove({}, { events: ['content'] })).toEqual(['moved other < known: medium, wide']);
    expect(toldOfMove({ events: ['create'] }, { events: ['create'] })).toEqual([]);
  });

  it('R200 R206 of the new path that want what is new hear of it, wherever it was before', () => {
    const only = (path: string, grave: Partial<FimRule>): string[] =>
      toldOfMove({ kind: 'file', path, events: ['create'] }, grave);
    expect(only('other', { events: ['content'] })).toEqual(['created other < known: medium, wide']);
    expect(only('other', { events: ['delete'] })).toEqual(['moved other < known: critical, grave']);
  });

  it('R200 R206 of both paths are asked where another file was in the place, and of what was written on the way', () => {
    const over = { to: 'there' };
    expect(toldOfMove({}, {}, over)).toEqual(['updated there < known: critical, grave']);
    expect(toldOfMove({ events: ['create'] }, { events: ['delete'] }, over)).toEqual([
      'deleted known: critical, grave',
    ]);
    expect(toldOfMove({ events: ['rename'] }, { events: ['create'] }, over)).toEqual([
      'updated there < known: medium, wide',
    ]);
    expect(toldOfMove({ events: ['rename'] }, { events: ['content'] }, { isWritten: true })).toEqual([
      'moved other < known: medium, wide',
      'updated other: critical, grave',
    ]);
  });

  it('R206 that are new take in silently what is there, and those that go leave nothing behind', () => {
    watching(
      (root, ledger) => {
        const both = [rule({ path: join(root, 'a') }), rule({ id: 'other', path: join(root, 'b') })];
        expect(ledger.rules(both).drain().events()).toEqual([]);
        expect(ledger.last('baseline')).toMatchObject({ state: 'complete', entries: 4 });
        ledger.rules([both[1]!]).drain();
        expect(ledger.events()).toEqual([]);
        ledger.pass(2_000);
        ledger.examine(examination(join(root, 'b/file'), attributes));
        ledger.drain();
        expect(ledger.last('baseline')).toMatchObject({ entries: 2 });
      },
      (root) => {
        for (const name of ['a', 'b']) {
          mkdirSync(join(root, name));
          writeFileSync(join(root, name, 'file'), '');
        }
      },
      (root) => [rule({ path: join(root, 'a') })],
    );
  });

  it('say that a path is absent, and take note when it appears, whole directories above it included', () => {
    watching(
      (root, ledger) => {
        expect(ledger.last('rules')?.troubles).toMatchObject([{ id: 'rule', state: 'absent' }]);
        mkdirSync(join(root, 'x/later'), { recursive: true });
        writeFileSync(join(root, 'x/later/file'), '1');
        ledger.examine(examination(join(root, 'x'), created, { directory: true }));
        expect(ledger.drain().brief(root)).toEqual(['created x/later', 'created x/later/file']);
        expect(ledger.last('rules')?.troubles).toEqual([]);
        renameSync(join(root, 'x'), join(root, 'y'));
        ledger.examine(examination(join(root, 'x'), movedFrom, { directory: true }));
        expect(ledger.drain().brief(root).sort()).toEqual(['deleted x/later', 'deleted x/later/file']);
        expect(ledger.last('rules')?.troubles).toMatchObject([{ state: 'absent' }]);
      },
      undefined,
      (root) => [rule({ path: join(root, 'x/later') })],
    );
  });

  it('R207 that rest leave the baseline as it is, and find what happened meanwhile once they are back', () => {
    watching(
      (root, ledger) => {
        ledger.ledger.receive({ kind: 'rest' });
        ledger.drain();
        expect(ledger.last('baseline')).toMatchObject({ state: 'none', nextRescanAt: null });
        appendFileSync(join(root, 'file'), 'more');
        writeFileSync(join(root, 'new'), '');
        ledger.pass(48 * 3_600_000);
        expect(ledger.drain().events()).toEqual([]);
        const events = ledger
          .rules([rule({ path: root })])
          .drain()
          .events();
        expect(events.map(({ event, wayfarer }) => [event.action, wayfarer.detected]).sort()).toEqual([
          ['created', 'baseline'],
          ['updated', 'baseline'],
        ]);
      },
      (root) => {
        writeFileSync(join(root, 'file'), 'some');
      },
    );
  });

  it('with a depth, patterns and the agent\u2019s own directories are obeyed before anything is read', () => {
    const opened = vi.spyOn(Folder.prototype, 'openFile');
    const read = (): string[] => opened.mock.calls.splice(0).map(([name]) => name);
    try {
      watching(
        (root, ledger) => {
          expect(ledger.last('baseline')).toMatchObject({ state: 'complete', entries: 4 });
          expect(read()).toEqual(['x.conf']);
          for (const name of ['skip/x.conf', 'own/x.conf', 'deep/deeper/x.conf', 'x.txt', 'new.txt']) {
            appendFileSync(join(root, name), 'more');
            ledger.examine(examination(join(root, name), created | WRITTEN));
          }
          expect(ledger.drain().events()).toEqual([]);
          ledger.ledger.receive({ kind: 'lost', lost: { reason: 'overflow', below: [] } });
          expect(ledger.drain().events()).toEqual([]);
          expect(read().filter((name) => name !== 'x.conf')).toEqual([]);
        },
        (root) => {
          for (const name of ['skip', 'own', 'deep/deeper']) mkdirSync(join(root, name), { recursive: true });
          for (const name of ['x.conf', 'x.txt', 'skip/x.conf', 'own/x.conf', 'deep/deeper/x.conf']) {
            writeFileSync(join(root, name), '');
          }
        },
        (root) => [rule({ path: root, include: ['*.conf'], exclude: [join(root, 'skip'), 'own'], depth: 1 })],
      );
    } finally {
      opened.mockRestore();
    }
  });

  it('that include files by name know a directory from a file in its place, which is not read', () => {
    const opened = vi.spyOn(Folder.prototype, 'openFile');
    try {
      watching(
        (root, ledger) => {
          rmdirSync(join(root, 'a'));
          writeFileSync(join(root, 'a'), 'no.conf');
          ledger.examine(examination(join(root, 'a'), created | WRITTEN));
          expect(ledger.drain().brief(root)).toEqual(['deleted a']);
          expect(opened).not.toHaveBeenCalled();
        },
        (root) => {
          mkdirSync(join(root, 'a'));
        },
        (root) => [rule({ path: root, include: ['*.conf'] })],
      );
    } finally {
      opened.mockRestore();
    }
  });
});
