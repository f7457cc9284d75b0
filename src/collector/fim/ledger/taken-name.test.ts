import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANGE } from '../change.ts';
import { actor, examination, watching } from './testing/test-ledger.ts';

const { created, modified, closedAfterWrite, deleted, movedFrom, movedTo } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

describe('a name that another file takes at once', () => {
  it.each([
    ['moved away', movedFrom],
    ['removed', deleted],
  ])(
    'R200 never blames who %s a file for the next one of that name, whose making is still on its way',
    (_how, gone) => {
      watching(
        (root, ledger) => {
          const [path, other] = [join(root, 'app.log'), join(root, 'app.log.1')];
          const [mover, maker] = [actor(1), actor(2)];
          if (gone === movedFrom) renameSync(path, other);
          else rmSync(path);
          const moved =
            gone === movedFrom ? [examination(other, movedTo, { from: path, by: { presence: mover } })] : [];
          writeFileSync(path, 'new');
          ledger.examine(examination(path, gone, { by: { presence: mover } }), ...moved);
          ledger.turn();
          ledger.examine(examination(path, created | WRITTEN, { by: { presence: maker, content: maker } }));
          ledger.drain();
          const told = ledger
            .events()
            .map(({ event, file, wayfarer }) => [
              event.action,
              file.path.slice(root.length + 1),
              wayfarer.actor.state === 'known' ? wayfarer.actor.process.pid : undefined,
            ]);
          // What was removed and made anew is one net change, of whoever made what is there.
          expect(told).toEqual(
            gone === movedFrom
              ? [
                  ['moved', 'app.log.1', 1],
                  ['created', 'app.log', 2],
                ]
              : [['updated', 'app.log', 2]],
          );
        },
        (root) => {
          writeFileSync(join(root, 'app.log'), 'old');
        },
        undefined,
        { settleMs: 5_000 },
      );
    },
  );

  it('finds what took the place of a removed file although nobody is heard making it', () => {
    watching(
      (root, ledger) => {
        const path = join(root, 'app.log');
        rmSync(path);
        writeFileSync(path, 'new');
        ledger.examine(examination(path, deleted, { by: { presence: actor(1) } }));
        ledger.drain();
        expect(ledger.events()).toMatchObject([
          { event: { action: 'deleted' }, wayfarer: { actor: { state: 'known' } } },
          { event: { action: 'created' }, wayfarer: { actor: { state: 'unknown' } } },
        ]);
      },
      (root) => {
        writeFileSync(join(root, 'app.log'), 'old');
      },
    );
  });
});
