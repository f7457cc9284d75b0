import { describe, expect, it } from 'vitest';
import { ruleSet } from '../../../../test/support/fanotify-listener.ts';
import type { Moment } from '../change.ts';
import type { FanotifyEvent } from './decode.ts';
import { DirectoryCache } from './directory-cache.ts';
import { FAN } from './fanotify-abi.ts';
import { Scope } from './scope.ts';
import { Translator } from './translate.ts';

const NAME = Buffer.from('file');

/** What was asked of who did these: their pids, and whether each was gone as it was read. */
function asked(events: readonly (readonly [pid: number, gone: boolean])[]) {
  const questions: [number, Moment | undefined][] = [];
  const scope = new Scope(ruleSet(['/etc']));
  const translator = new Translator(
    {
      cache: new DirectoryCache(10),
      locate: () => ['/etc'],
      attribute: (pid, moment) => {
        questions.push([pid, moment]);
        return { actor: { state: 'known', process: { pid } } };
      },
    },
    scope,
  );
  translator.begin(0);
  for (const [pid, gone] of events) {
    const at = { directory: 'a', nameStart: 0, nameEnd: NAME.length };
    const event: FanotifyEvent = {
      ...{ mask: FAN.CREATE, pid, pidfd: undefined, gone, at },
      ...{ target: undefined, from: undefined, to: undefined },
    };
    translator.take(event, NAME);
  }
  const { changes } = translator.end({ since: 1, until: 2 });
  expect(changes).toHaveLength(events.length);
  return questions;
}

describe('who made a change', () => {
  it('R199 is asked for once per process, and apart for one that is gone and the next with its pid', () => {
    const questions = asked([
      [7, true],
      [7, true],
      [7, false],
      [8, false],
      [8, false],
    ]);
    expect(questions).toEqual([
      [7, { since: 1, until: 2, isGone: true }],
      [7, { since: 1, until: 2 }],
      [8, { since: 1, until: 2 }],
    ]);
  });

  it('is not asked for where the kernel names no process', () => {
    expect(asked([[0, true]])).toEqual([]);
  });
});
