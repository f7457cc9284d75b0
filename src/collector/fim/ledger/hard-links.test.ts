import { appendFileSync, chmodSync, linkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANGE } from '../change.ts';
import { actor, examination, watching } from './testing/test-ledger.ts';

const { created, modified, closedAfterWrite, attributes, deleted, movedFrom, movedTo } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

describe('a file with several names', () => {
  it('tells of every name of a file that was written through one of them', () => {
    watching(
      (root, ledger) => {
        appendFileSync(join(root, 'a'), 'more');
        ledger.examine(examination(join(root, 'a'), WRITTEN, { by: { content: actor(1) } }));
        const events = ledger.drain().events();
        expect(events.map(({ file }) => file.path.slice(root.length))).toEqual(['/a', '/b']);
        expect(events.every(({ wayfarer }) => wayfarer.actor.state === 'known')).toBe(true);
      },
      (root) => {
        writeFileSync(join(root, 'a'), '1');
        linkSync(join(root, 'a'), join(root, 'b'));
      },
    );
  });

  it.each([
    ['a name that it has just been given', 'new'],
    ['a name that it has taken from another file', 'other'],
  ])('R199 R200 has changed under each of them, although only %s was heard', (_, name) => {
    watching(
      (root, ledger) => {
        const path = join(root, name);
        const by = { presence: actor(1), attributes: actor(2) };
        if (name === 'other') renameSync(join(root, 'link'), path);
        else linkSync(join(root, 'file'), path);
        chmodSync(path, 0o700);
        const moved = [
          examination(join(root, 'link'), movedFrom | deleted, { by }),
          examination(path, movedTo | attributes, { by, from: join(root, 'link') }),
        ];
        ledger.examine(...(name === 'other' ? moved : [examination(path, created | attributes, { by })]));
        ledger.drain();
        const file = ledger.events().filter((event) => event.file.path === join(root, 'file'));
        expect(file).toMatchObject([
          {
            event: { action: 'attributes_modified' },
            file: { mode: '0700' },
            wayfarer: { changed: ['mode'], actor: { state: 'known', process: { pid: 2 } } },
          },
        ]);
      },
      (root) => {
        writeFileSync(join(root, 'file'), '', { mode: 0o600 });
        writeFileSync(join(root, 'other'), 'other');
        linkSync(join(root, 'file'), join(root, 'link'));
      },
    );
  });
});
