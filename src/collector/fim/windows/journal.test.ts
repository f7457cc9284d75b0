import { describe, expect, it } from 'vitest';
import { FimRuleParams } from '../../../shared/file-integrity.ts';
import { CHANGE, type LostChanges, type RawChange } from '../change.ts';
import { RuleSet } from '../rule-set.ts';
import { unknownActor } from '../unknown-actor.ts';
import { driveOf, JournalReader, type Cursor, type JournalOptions } from './journal.ts';
import { usnAnswer, usnJournal, usnRecord } from './testing/usn-bytes.ts';
import type { Answer, Whereabouts } from './volume.ts';

const ruleOn = (path: string) => ({ id: path, ...FimRuleParams.parse({ kind: 'directory', path }) });
const RULES = new RuleSet([ruleOn('C:\\Watched'), ruleOn('D:\\Other')], [], 'win32');

/** Numbers of directories by the bytes that `usnRecord` makes of small ones. */
const number = (value: number): string => Buffer.from([value, 0, 0, 0, 0, 0, 0, 0]).toString('hex');

/** A reader of a volume that the test lays out; a journal that reaches from 100 to 200. */
function reading(options: Partial<JournalOptions> = {}) {
  const state = {
    journal: { bytes: usnJournal(7n, 100n, 200n) } as Answer,
    answers: [] as Answer[],
    questions: [] as bigint[],
    places: new Map<string, Whereabouts>([[number(5), { path: 'C:\\Watched' }]]),
    finds: 0,
    next: 200n,
    opened: 0,
    closed: 0,
  };
  const got = { changes: [] as RawChange[], lost: [] as LostChanges[], failed: [] as string[] };
  let fire = (): void => undefined;
  let slow: (() => void) | undefined;
  let cancelled = 0;
  const reader = new JournalReader({
    drive: 'C',
    cursor: { journal: '7', next: '150' },
    open: () => {
      state.opened += 1;
      return {
        query: () => state.journal,
        read: (question) => {
          state.questions.push(question.readBigInt64LE(0));
          return state.answers.shift() ?? { bytes: usnAnswer(200n) };
        },
        find: (directory) => {
          state.finds += 1;
          return state.places.get(directory) ?? { gone: true };
        },
        close: () => (state.closed += 1),
      };
    },
    startTimer: (ms, next) => {
      if (ms === 300_000) {
        slow = () => {
          slow = undefined;
          next();
        };
        return () => (slow = undefined);
      }
      expect(ms).toBe(1_000);
      fire = next;
      return () => (cancelled += 1);
    },
    changes: (changes) => got.changes.push(...changes),
    lost: (lost) => got.lost.push(lost),
    failed: (text) => got.failed.push(text),
    ...options,
  });
  return {
    reader,
    state,
    got,
    again: () => {
      fire();
    },
    cancelled: () => cancelled,
    /** Five minutes are over. */
    later: () => slow?.(),
    waits: () => slow !== undefined,
  };
}

const record = (fields: Parameters<typeof usnRecord>[0] = {}) => usnRecord({ parent: 5n, ...fields });
const answer = (...records: Buffer[]): Answer => ({ bytes: usnAnswer(200n, ...records) });
const AT = 1_700_000_000_000;
const GONE = (below: string[]) => ({ below });

describe('reading the change journal', () => {
  it('R200 R208 tells what happened since the last run, and remembers where it ended', () => {
    const { reader, state, got } = reading();
    state.answers.push({ bytes: usnAnswer(180n, record({ at: AT, reason: 0x102, name: 'a' })) }, answer());
    reader.start(RULES);
    expect(state.questions).toEqual([150n, 180n]);
    expect(got.changes).toEqual([
      {
        path: 'C:\\Watched\\a',
        what: CHANGE.created | CHANGE.modified,
        directory: false,
        at: AT,
        by: unknownActor('the change journal does not tell who made a change'),
      },
    ]);
    expect(reader.cursor).toEqual({ journal: '7', next: '200' });
    expect([got.lost, got.failed]).toEqual([[], []]);
  });

  it('R200 R208 says that what stood there before it began is late', () => {
    const { reader, state, got } = reading();
    state.answers.push(answer(record({ usn: 160n, name: 'off' }), record({ usn: 200n, name: 'on' })));
    reader.start(RULES);
    expect(got.changes.map(({ path, late }) => [path, late])).toEqual([
      ['C:\\Watched\\off', true],
      ['C:\\Watched\\on', undefined],
    ]);
  });

  it("tells of the agent's canary, and of directories on the way to what a rule names", () => {
    const canary = 'C:\\Data\\own\\canary';
    const { reader, state, got } = reading();
    state.places.set(number(6), { path: 'C:\\data\\own' }).set(number(7), { path: 'C:\\' });
    state.answers.push(
      answer(
        record({ parent: 6n, name: 'Canary' }),
        record({ parent: 6n, name: 'ledger.db' }),
        record({ parent: 7n, name: 'Users', attributes: 0x10 }),
        record({ parent: 7n, name: 'Other', attributes: 0x10 }),
      ),
    );
    reader.start(new RuleSet([ruleOn('C:\\Users\\Public')], ['C:\\Data\\own'], 'win32', canary));
    expect(got.changes.map(({ path }) => path)).toEqual([canary, 'C:\\Users']);
  });

  it('begins at the end of the journal where there was no run before', () => {
    const { reader, state, again } = reading({ cursor: undefined });
    reader.start(RULES);
    expect(state.questions).toEqual([]);
    expect(reader.cursor).toEqual({ journal: '7', next: '200' });
    state.journal = { bytes: usnJournal(7n, 100n, 300n) };
    state.answers.push({ bytes: usnAnswer(300n) });
    again();
    expect(state.questions).toEqual([200n]);
    expect(state.opened).toBe(1);
  });

  it('is read once at a time, and no more after its end', () => {
    const { reader, state, cancelled } = reading();
    reader.start(RULES);
    reader.start(RULES);
    expect(state.questions).toHaveLength(1);
    reader.stop();
    expect([cancelled(), state.closed]).toEqual([1, 1]);
  });

  it.each([
    ['records were overwritten', { journal: '7', next: '99' }, 'overflow', [100n]],
    ['it is another journal', { journal: '8', next: '150' }, 'restart', []],
    ['the place is none', { journal: '7', next: 'x' }, 'restart', []],
    ['the place is after its end', { journal: '7', next: '201' }, 'restart', []],
  ] as const)(
    'R208 has the rules of its drive walked where %s',
    (_what, cursor: Cursor, reason, questions) => {
      const { reader, state, got } = reading({ cursor });
      reader.start(RULES);
      expect(got.lost).toEqual([{ reason, ...GONE(['C:\\Watched']) }]);
      expect(state.questions).toEqual(questions);
      expect(reader.cursor).toEqual({ journal: '7', next: '200' });
    },
  );

  it('goes on at the first and at the last place of the journal', () => {
    for (const next of ['100', '200']) {
      const { reader, got } = reading({ cursor: { journal: '7', next } });
      reader.start(RULES);
      expect(got.lost).toEqual([]);
    }
  });

  it('R208 has them walked when records vanish while it reads, and goes on', () => {
    const { reader, state, got, again } = reading();
    state.answers.push({ error: 1_181 });
    reader.start(RULES);
    expect(got.lost).toEqual([{ reason: 'overflow', below: ['C:\\Watched'] }]);
    expect(reader.cursor).toBeUndefined();
    again();
    expect(reader.cursor).toEqual({ journal: '7', next: '200' });
    expect(got.failed).toEqual([]);
  });

  it('R208 has them walked when the journal was exchanged while it reads', () => {
    const { reader, state, got } = reading();
    state.answers.push({ error: 87 });
    reader.start(RULES);
    expect(got.lost).toEqual([{ reason: 'restart', below: ['C:\\Watched'] }]);
    expect(state.closed).toBe(1);
  });

  it.each([
    [{ error: 1_179 }, 'make one with fsutil usn createjournal'],
    [{ error: 1_178 }, 'make one with fsutil usn createjournal'],
    [{ error: 5 }, "can't be read: error 5"],
    [{ bytes: Buffer.alloc(3) }, "can't be read: error 0"],
  ] as const)('says what is wrong once, and that it is over (%o)', (journal: Answer, text) => {
    const { reader, state, got, again } = reading();
    state.journal = journal;
    reader.start(RULES);
    again();
    expect(got.failed).toEqual([expect.stringContaining(text)]);
    expect(got.failed[0]).toContain('drive C:');
    expect(state.opened).toBe(2);
    state.journal = { bytes: usnJournal(7n, 100n, 200n) };
    again();
    expect(got.failed.slice(1)).toEqual(['']);
    expect(reader.cursor).toEqual({ journal: '7', next: '200' });
  });

  it('says that a volume can not be opened', () => {
    const { reader, got } = reading({
      open: () => {
        throw new Error("the volume C: can't be opened: error 5");
      },
    });
    reader.start(RULES);
    expect(got.failed).toEqual(["the volume C: can't be opened: error 5"]);
  });

  it('never reads an answer twice that does not lead on', () => {
    for (const bytes of [usnAnswer(150n, record()), Buffer.alloc(3)]) {
      const { reader, state, got } = reading();
      state.answers.push({ bytes });
      reader.start(RULES);
      expect(state.questions).toEqual([150n]);
      expect(got.lost).toEqual([{ reason: 'error', below: ['C:\\Watched'] }]);
      expect(reader.cursor).toEqual({ journal: '7', next: '200' });
    }
  });

  it('reads no more than 4 MiB at once', () => {
    const { reader, state, again } = reading();
    state.journal = { bytes: usnJournal(7n, 100n, 10_000n) };
    for (let at = 151n; at < 300n; at += 1n) state.answers.push({ bytes: usnAnswer(at) });
    reader.start(RULES);
    expect(state.questions).toHaveLength(64);
    again();
    expect(state.questions[64]).toBe(214n);
  });

  it('counts records that it does not understand as lost', () => {
    const { reader, state, got } = reading();
    state.answers.push(answer(record({ version: 4 }), record({ version: 9 })));
    reader.start(RULES);
    expect(got.lost).toEqual([{ reason: 'error', below: ['C:\\Watched'], count: 2 }]);
  });
});

describe('paths of the change journal', () => {
  it('are looked up once per directory, until one moves or goes', () => {
    const { reader, state } = reading();
    const move = record({ file: 6n, attributes: 0x10, reason: 0x2000, name: 'd' });
    state.answers.push(
      answer(record(), record(), move, record(), record({ attributes: 0x10, reason: 0x100 }), record()),
    );
    reader.start(RULES);
    expect(state.finds).toBe(2);
  });

  it('below a directory that is gone are told by its own record', () => {
    const { reader, state, got } = reading();
    state.answers.push(
      answer(record({ parent: 99n }), record({ attributes: 0x10, reason: 0x200, name: 'sub' })),
    );
    reader.start(RULES);
    expect(got.changes.map(({ path, what, directory }) => [path, what, directory])).toEqual([
      ['C:\\Watched\\sub', CHANGE.deleted, true],
    ]);
    expect(got.lost).toEqual([]);
  });

  it('R208 that Windows does not tell are walked', () => {
    const { reader, state, got } = reading();
    state.places.set(number(98), { error: 5 });
    state.answers.push(answer(record({ parent: 98n }), record({ parent: 98n }), record()));
    reader.start(RULES);
    expect(got.changes).toHaveLength(1);
    expect(got.lost).toEqual([{ reason: 'error', below: ['C:\\Watched'], count: 2 }]);
  });

  it('R208 that Windows does not tell have all walked every few minutes at most, and are asked for as rarely', () => {
    const { reader, state, got, again, later, waits } = reading({ cursor: { journal: '7', next: '150' } });
    state.places.set(number(98), { error: 5 });
    const write = (): void => {
      state.answers.push({ bytes: usnAnswer(state.next + 10n, record({ parent: 98n })) });
      state.next += 10n;
      state.journal = { bytes: usnJournal(7n, 100n, state.next) };
    };
    write();
    reader.start(RULES);
    for (let at = 0; at < 3; at += 1) {
      write();
      again();
    }
    expect([got.lost.map(({ count }) => count), state.finds]).toEqual([[1], 1]);
    later();
    expect(got.lost.map(({ count }) => count)).toEqual([1, 3]);
    state.places.set(number(98), { path: 'C:\\Watched' });
    write();
    again();
    expect([state.finds, got.changes.length]).toEqual([2, 1]);
    later();
    expect([got.lost.length, waits()]).toEqual([2, false]);
  });

  it('R208 that Windows does not tell are not forgotten where the reader ends before they were told', () => {
    const { reader, state, got, again, waits } = reading();
    state.places.set(number(98), { error: 5 });
    state.answers.push(answer(record({ parent: 98n })));
    reader.start(RULES);
    state.journal = { bytes: usnJournal(7n, 100n, 300n) };
    state.answers.push({ bytes: usnAnswer(300n, record({ parent: 98n }), record({ parent: 98n })) });
    again();
    expect([got.lost.map(({ count }) => count), waits()]).toEqual([[1], true]);
    reader.stop();
    expect([got.lost.map(({ count }) => count), waits()]).toEqual([[1, 2], false]);
  });

  it('outside the rules are dropped, those of a drive itself are right', () => {
    const { reader, state, got } = reading();
    state.places.set(number(1), { path: 'C:\\' });
    state.answers.push(
      answer(
        record({ parent: 1n, name: 'Watched', attributes: 0x10 }),
        record({ parent: 1n, name: 'x' }),
        record({ reason: 0x4000 }),
      ),
    );
    reader.start(RULES);
    expect(got.changes.map(({ path }) => path)).toEqual(['C:\\Watched']);
  });

  it('R200 R208 of a move are told with where it came from, once', () => {
    const { reader, state, got } = reading();
    state.places.set(number(6), { path: 'C:\\Elsewhere' });
    state.answers.push(
      answer(
        record({ file: 9n, parent: 6n, reason: 0x1000, name: 'old' }),
        record({ file: 9n, reason: 0x2000, name: 'new' }),
        record({ file: 9n, reason: 0x8000_2000, name: 'new' }),
        record({ file: 8n, reason: 0x2000, name: 'other' }),
      ),
    );
    reader.start(RULES);
    expect(got.changes.map(({ path, what, from }) => [path, what, from])).toEqual([
      ['C:\\Watched\\new', CHANGE.movedTo, 'C:\\Elsewhere\\old'],
      ['C:\\Watched\\new', CHANGE.movedTo, undefined],
      ['C:\\Watched\\other', CHANGE.movedTo, undefined],
    ]);
  });

  it('forgets the directory that it has known longest', () => {
    const { reader, state } = reading();
    const many: Buffer[] = [];
    for (let at = 0; at < 4_097; at += 1) {
      state.places.set(Buffer.from([at & 255, at >> 8, 1, 0, 0, 0, 0, 0]).toString('hex'), {
        path: `C:\\d${at}`,
      });
      many.push(record({ parent: BigInt(at) + 65_536n }));
    }
    state.answers.push(answer(...many, record({ parent: 65_536n + 4_096n }), record({ parent: 65_536n })));
    reader.start(RULES);
    expect(state.finds).toBe(4_098);
  });

  it('are on the drive that they begin with', () => {
    expect(['c:\\x', 'C:', 'D:\\', '\\\\server\\share', 'C:x', 'xC:\\'].map(driveOf)).toEqual([
      'C',
      'C',
      'D',
      undefined,
      undefined,
      undefined,
    ]);
  });
});
