import { describe, expect, it } from 'vitest';
import { TooMuchPrinted, Unreadable, type CommandResult } from '../../table.ts';
import { CHANGE, type RawChange } from '../change.ts';
import { unknownActor } from '../unknown-actor.ts';
import type { Audited } from './audit-events.ts';
import { AuditLog } from './audit-log.ts';
import { AuditedChanges } from './audited-changes.ts';
import { auditXml } from './testing/audit-xml.ts';

const END = { ProcessId: '0x10', ProcessName: 'C:\\x.exe' };
const ended = (...numbers: number[]) =>
  numbers.map((record) => auditXml({ id: 4689, record, data: END })).join('\r\n');

type Answer = (query: string, reverse: boolean, count: number) => string | CommandResult;

/** A log over what wevtutil prints; `answer` gets the query. */
function log(after: number | undefined, answer: Answer) {
  const calls: string[][] = [];
  const got = { audited: [] as Audited[], lost: [] as [string, number | undefined][] };
  const audit = new AuditLog({
    run: (file, args, limits) => {
      expect([file, limits]).toEqual(['wevtutil.exe', { timeoutMs: 60_000, maxBytes: 8 * 1024 * 1024 }]);
      calls.push([...args]);
      const query = args.find((arg) => arg.startsWith('/query:'))?.slice(7) ?? '';
      const count = Number(args.find((arg) => arg.startsWith('/count:'))?.slice(7));
      const said = answer(query, args.includes('/reversedirection:true'), count);
      return Promise.resolve(
        typeof said === 'string' ? { exitCode: 0, stdout: Buffer.from(said, 'utf16le'), stderr: '' } : said,
      );
    },
    after,
    audited: (audited) => got.audited.push(...audited),
    lost: (reason, count) => got.lost.push([reason, count]),
  });
  return { audit, calls, got };
}

/** A log whose records go from one number to another. */
const records =
  (oldest: number, newest: number, fresh = '') =>
  (query: string, reverse: boolean) =>
    query === '*' ? ended(reverse ? newest : oldest) : fresh;

describe('reading the Security log', () => {
  it('R208 asks for the records after the last one, without a shell, in UTF-16', async () => {
    const { audit, calls, got } = log(41, records(10, 43, ended(42, 43)));
    await audit.poll();
    expect(calls.at(-1)).toEqual([
      'query-events',
      'Security',
      '/query:*[System[(EventRecordID>41) and (EventID=1101 or EventID=1102 or EventID=4657 or EventID=4663 or EventID=4688 or EventID=4689)]]',
      '/format:XML',
      '/unicode:true',
      '/count:1000',
    ]);
    expect(got.audited.map(({ kind }) => kind)).toEqual(['process', 'process']);
    expect([audit.after, got.lost]).toEqual([43, []]);
    await audit.poll();
    expect(calls).toHaveLength(4);
    expect(calls.at(-1)?.[2]).toContain('EventRecordID>43)');
  });

  it('begins at the end of the log in the first run, also of an empty one', async () => {
    const { audit, got } = log(undefined, records(10, 43));
    await audit.poll();
    expect([audit.after, got.audited, got.lost]).toEqual([43, [], []]);
    const empty = log(undefined, () => '');
    await empty.audit.poll();
    expect([empty.audit.after, empty.got.lost]).toEqual([0, []]);
  });

  it('R208 says how many records were overwritten before they were read, and that a log was cleared', async () => {
    const gap = log(41, records(50, 60));
    await gap.audit.poll();
    expect(gap.got.lost).toEqual([['the Security log has overwritten records that were not read', 8]]);
    expect(gap.audit.after).toBe(60);
    const none = log(41, records(42, 60));
    await none.audit.poll();
    expect(none.got.lost).toEqual([]);
    const cleared = log(41, records(1, 3));
    await cleared.audit.poll();
    expect([cleared.audit.after, cleared.got.lost]).toEqual([
      3,
      [['the Security log was cleared', undefined]],
    ]);
    const gone = log(41, () => '');
    await gone.audit.poll();
    expect([gone.audit.after, gone.got.lost]).toEqual([0, [['the Security log was cleared', undefined]]]);
  });

  it('R208 says so where it is cleared, or records go unread, while it is being read', async () => {
    let oldest = 10;
    let fresh = [auditXml({ id: 1102, record: 44 }), auditXml({ id: 1101, record: 45 }), ended(46)].join('');
    const { audit, calls, got } = log(41, (query, reverse) =>
      query === '*' ? ended(reverse ? oldest + 90 : oldest) : fresh,
    );
    await audit.poll();
    expect(got.lost).toEqual([
      ['the Security log was cleared', undefined],
      ['Windows has dropped records of the Security log', undefined],
    ]);
    expect([audit.after, got.audited.length]).toEqual([100, 1]);
    fresh = '';
    oldest = 151;
    await audit.poll();
    expect([calls.length, got.lost.length]).toEqual([4, 2]);
    audit.checkAgain();
    await audit.poll();
    expect(got.lost[2]).toEqual(['the Security log has overwritten records that were not read', 50]);
    audit.checkAgain();
    await audit.poll();
    expect([got.lost.length, audit.after]).toEqual([3, 241]);
  });

  it('R208 tells once of what was overwritten, though it can not be read then', async () => {
    let refuse = true;
    const { audit, got } = log(41, (query, reverse) => {
      if (query !== '*' && refuse) return { exitCode: 5, stdout: Buffer.alloc(0), stderr: '' };
      return records(50, 60)(query, reverse);
    });
    await expect(audit.poll()).rejects.toThrow('code 5');
    audit.checkAgain();
    refuse = false;
    await audit.poll();
    expect([got.lost.length, audit.after]).toEqual([1, 60]);
  });

  it('asks again while answers are full, but not for ever', async () => {
    const full = Array.from({ length: 1_000 }, (_, at) => at + 1);
    const { audit, calls } = log(0, (query) => (query === '*' ? '' : ended(...full)));
    await audit.poll();
    expect(calls).toHaveLength(2 + 16);
    expect(audit.after).toBe(1_000);
  });

  it('counts records that it can not read', async () => {
    const { audit, got } = log(0, (query) => (query === '*' ? ended(1) : `<Event></x></Event>${ended(5)}`));
    await audit.poll();
    expect(got.lost).toEqual([['records of the Security log could not be read', 1]]);
    expect(got.audited).toHaveLength(1);
  });

  it('R208 passes over a last record that it can not read, and tells of it once', async () => {
    const broken = (record: number) => ended(record).replace('</EventData>', '\u0001</EventData>');
    const { audit, calls, got } = log(40, (query, reverse) =>
      query === '*' ? ended(reverse ? 43 : 10) : query.includes('>40)') ? broken(41) + broken(42) : '',
    );
    await audit.poll();
    await audit.poll();
    expect([audit.after, got.audited]).toEqual([43, []]);
    expect(got.lost).toEqual([['records of the Security log could not be read', 2]]);
    expect(calls.at(-1)?.[2]).toContain('EventRecordID>43)');
  });

  it('R208 goes on after a full answer of records that it can not read', async () => {
    const one = ended(1).replace('</EventData>', '\u0001</EventData>');
    const full = Array.from({ length: 1_000 }, (_, at) =>
      one.replace('<EventRecordID>1<', `<EventRecordID>${String(at + 1)}<`),
    ).join('');
    const { audit, got } = log(0, (query) =>
      query === '*' ? ended(1) : query.includes('>0)') ? full : ended(1_001),
    );
    expect(await audit.poll()).toBe(true);
    expect([audit.after, got.lost.length, got.audited.length]).toEqual([1_001, 1, 1]);
  });

  it('R208 takes a newest record that it can not read for no cleared log', async () => {
    const { audit, got } = log(41, (query) =>
      query === '*' ? ended(41).replace('</EventData>', '\u0001</EventData>') : '',
    );
    await audit.poll();
    expect([audit.after, got.lost]).toEqual([41, []]);
  });

  it('R012 is unreadable where no record of an answer has a number to go on at', async () => {
    const { audit, got } = log(41, (query, reverse) => records(10, 43, '<Event></Event>')(query, reverse));
    for (let polls = 0; polls < 2; polls += 1) {
      await expect(audit.poll()).rejects.toThrow('records of the Security log are of no known form');
    }
    expect([audit.after, got.lost]).toEqual([41, []]);
  });

  it('reads answers with a mark of their order, and those in UTF-8', async () => {
    for (const stdout of [
      Buffer.from(`\ufeff${ended(7)}`, 'utf16le'),
      Buffer.from(ended(7)),
      Buffer.alloc(0),
    ]) {
      const { audit, got } = log(0, () => ({ exitCode: 0, stdout, stderr: '' }));
      await audit.poll();
      expect(got.audited).toHaveLength(stdout.length === 0 ? 0 : 1);
    }
  });

  /** Records from 42 to 60, those of them that print too much, and how many of the others fit into one answer. */
  const loud =
    (tooLoud: readonly number[], fit: number) => (query: string, _reverse: boolean, count: number) => {
      if (query === '*') return ended(41);
      const after = Number(/EventRecordID>(\d+)/.exec(query)?.[1]);
      const upTo = Number(/EventRecordID<=(\d+)/.exec(query)?.[1] ?? 60);
      const found = Array.from({ length: 19 }, (_, at) => at + 42).filter((n) => n > after && n <= upTo);
      const given = found.filter((n) => n % 3 === 0).slice(0, count);
      if (given.length > fit || given.some((n) => tooLoud.includes(n))) {
        throw new TooMuchPrinted('wevtutil.exe: printed more than allowed');
      }
      return ended(...given);
    };
  const all = async (audit: AuditLog): Promise<void> => {
    for (let polls = 0; polls < 4 && !(await audit.poll()); polls += 1);
  };

  it('R208 asks for fewer records at once where so many print more than is allowed', async () => {
    const { audit, calls, got } = log(41, loud([], 2));
    await all(audit);
    expect([audit.after, got.audited.length, got.lost]).toEqual([60, 7, []]);
    await audit.poll();
    expect(calls.at(-1)).toContain('/count:1000');
  });

  it('R208 passes over a record that alone prints more than is allowed, and counts it as lost', async () => {
    const { audit, got } = log(41, loud([51], 5));
    await all(audit);
    expect([audit.after, got.audited.length]).toEqual([60, 6]);
    expect(got.lost).toEqual([['a record of the Security log is longer than can be read', 1]]);
  });

  it('R012 is unreadable where even the number of what prints too much is not to be found', async () => {
    const { audit, calls, got } = log(41, (query, reverse, count) => {
      if (query !== '*' && !query.includes('<='))
        throw new TooMuchPrinted('wevtutil.exe: printed more than allowed');
      return query === '*' ? loud([], 1)(query, reverse, count) : '';
    });
    await expect(all(audit)).rejects.toThrow('printed more than allowed');
    expect([audit.after, got.lost, calls.length < 100]).toEqual([41, [], true]);
  });

  it('R012 is unreadable where wevtutil refuses, and goes on at the same place later', async () => {
    let refuse = true;
    const denied = { exitCode: 5, stdout: Buffer.alloc(0), stderr: 'Zugriff verweigert' };
    const { audit, got } = log(41, (query, reverse) =>
      refuse ? denied : records(10, 42, ended(42))(query, reverse),
    );
    await expect(audit.poll()).rejects.toThrow(
      new Unreadable("the Security log can't be read: wevtutil.exe ended with code 5"),
    );
    refuse = false;
    await audit.poll();
    expect([audit.after, got.audited.length]).toEqual([42, 1]);
  });
});

describe('changes that wait for the log', () => {
  const change = (path: string): RawChange => ({
    path,
    what: CHANGE.modified,
    directory: false,
    at: 1,
    by: unknownActor('journal'),
  });
  const KNOWN = { actor: { state: 'known', process: { pid: 1 } } } as const;

  function waiting(poll: () => Promise<void>) {
    const got: RawChange[] = [];
    const changes = new AuditedChanges({
      poll,
      attribute: (one) => ({ ...one, by: KNOWN }),
      changes: (given) => got.push(...given),
    });
    return { changes, got };
  }

  it('R200 go with their actor once the log was read after them, later ones not yet', async () => {
    const { changes, got } = waiting(() => {
      changes.add([change('later')]);
      return Promise.resolve();
    });
    changes.add([change('a'), change('b')]);
    expect(got).toEqual([]);
    await changes.settle();
    expect(got).toEqual([
      { ...change('a'), by: KNOWN },
      { ...change('b'), by: KNOWN },
    ]);
  });

  it('R200 go without one and with the reason where the log can not be read', async () => {
    const { changes, got } = waiting(() => Promise.reject(new Unreadable('no')));
    changes.add([change('a')]);
    await changes.settle();
    expect(got.map(({ by }) => by)).toEqual([unknownActor('the Security log could not be read')]);
    await changes.settle();
    expect(got).toHaveLength(1);
  });

  it('have one reading under way at a time', async () => {
    let polls = 0;
    let end = (): void => undefined;
    const { changes } = waiting(() => {
      polls += 1;
      return new Promise((resolve) => (end = resolve));
    });
    const both = Promise.all([changes.settle(), changes.settle()]);
    end();
    await both;
    expect(polls).toBe(1);
    const third = changes.settle();
    end();
    await third;
    expect(polls).toBe(2);
  });

  it('go at once where too many wait, so that memory is bounded', async () => {
    const { changes, got } = waiting(() => Promise.resolve());
    changes.add(Array.from({ length: 19_999 }, () => change('a')));
    changes.add([change('last'), change('first over')]);
    changes.add([change('second over')]);
    expect(got.map(({ path }) => path)).toEqual(['first over', 'second over']);
    expect(got[0]?.by).toEqual(unknownActor('too many changes at once to look each up in the Security log'));
    await changes.settle();
    expect(got).toHaveLength(20_002);
  });
});
