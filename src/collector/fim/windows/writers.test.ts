import { describe, expect, it } from 'vitest';
import { CHANGE, type RawChange } from '../change.ts';
import { unknownActor } from '../unknown-actor.ts';
import { type FileAccess } from './audit-events.ts';
import { SUBJECT } from './testing/audit-xml.ts';
import { Writers } from './writers.ts';

const USER = { id: SUBJECT.SubjectUserSid, name: 'CORP\\anna' };
const NOTEPAD = { pid: 0x1a2c, name: 'notepad.exe', executable: 'C:\\Windows\\System32\\notepad.exe' };

describe('who changed a file, by the Security log', () => {
  const BY = unknownActor('the change journal does not tell who made a change');
  const changed = (more: Partial<RawChange> = {}): RawChange => ({
    path: 'C:\\Data\\a.txt',
    what: CHANGE.modified,
    directory: false,
    at: 100_000,
    by: BY,
    ...more,
  });
  const access = (more: Partial<FileAccess> = {}): FileAccess => ({
    kind: 'file',
    at: 100_000,
    path: 'c:\\DATA\\A.txt',
    rights: 2,
    process: NOTEPAD,
    user: USER,
    ...more,
  });
  const reasonOf = (writers: Writers, change = changed()) => {
    const { actor } = writers.attribute(change).by;
    return actor.state === 'known' ? actor.process.pid : actor.reason;
  };
  const withAccess = (...accesses: FileAccess[]): Writers => {
    const writers = new Writers();
    for (const one of accesses) writers.accessed(one);
    return writers;
  };
  const OTHER = { pid: 9, executable: 'C:\\x.exe' };

  it('R200 R208 is the one process that used the right, under any case of the name', () => {
    expect(withAccess(access(), access({ at: 101_000 })).attribute(changed())).toEqual({
      ...changed(),
      by: { actor: { state: 'known', process: NOTEPAD, user: USER } },
    });
    const { actor } = withAccess(access({ user: undefined })).attribute(changed()).by;
    expect(actor).toEqual({ state: 'known', process: NOTEPAD });
  });

  it('R200 R208 is nobody where two had it, however long ago', () => {
    const both = withAccess(access({ at: 1, process: OTHER }), access());
    expect(reasonOf(both)).toBe('several processes had used the right to make this change');
    expect(reasonOf(withAccess(access(), access({ user: { id: 'S-1-5-18' } })))).toContain('several');
  });

  it('R208 is nobody where no record is near enough', () => {
    const OFF = 'no audit record for this change: auditing of the file is off';
    expect(reasonOf(new Writers())).toBe(OFF);
    expect(reasonOf(withAccess(access({ path: 'C:\\other' })))).toBe(OFF);
    const OLD = 'the last audit record for this change is too old';
    expect(reasonOf(withAccess(access({ at: 89_999 })))).toBe(OLD);
    expect(reasonOf(withAccess(access({ at: 102_001 })))).toBe(OLD);
    expect(reasonOf(withAccess(access({ at: 90_000 })))).toBe(NOTEPAD.pid);
    expect(reasonOf(withAccess(access({ at: 102_000 })))).toBe(NOTEPAD.pid);
    expect(reasonOf(withAccess(access({ at: 102_000 }), access({ at: 50_000 })))).toBe(NOTEPAD.pid);
  });

  it.each([
    [CHANGE.created, 0x2],
    [CHANGE.closedAfterWrite, 0x4],
    [CHANGE.attributes, 0x100],
    [CHANGE.attributes, 0x10],
    [CHANGE.attributes, 0x4_0000],
    [CHANGE.attributes, 0x8_0000],
    [CHANGE.deleted, 0x1_0000],
    [CHANGE.movedFrom, 0x1_0000],
  ])('R200 counts for a change %d the right 0x%s', (what, rights) => {
    const writers = withAccess(access({ rights }), access({ process: OTHER, rights: 0x1 }));
    expect(reasonOf(writers, changed({ what }))).toBe(NOTEPAD.pid);
    expect(reasonOf(withAccess(access({ rights: 0x1 })), changed({ what }))).toContain('auditing');
    const otherRights = 0xd_0116 & ~rights;
    const wrong =
      what === CHANGE.attributes ? 0x2 : what === CHANGE.deleted || what === CHANGE.movedFrom ? 0x2 : 0x100;
    expect(otherRights & wrong).toBe(wrong);
    expect(reasonOf(withAccess(access({ rights: wrong })), changed({ what }))).toContain('auditing');
  });

  it('R200 adds up the rights of one process', () => {
    const writers = withAccess(access({ rights: 0x100 }), access({ rights: 0x2 }));
    expect(reasonOf(writers)).toBe(NOTEPAD.pid);
    expect(reasonOf(writers, changed({ what: CHANGE.attributes }))).toBe(NOTEPAD.pid);
  });

  it('R200 R208 is nobody for what they had no right used for, whatever else they did to the file', () => {
    const OFF = 'no audit record for this change: auditing of the file is off';
    const both = changed({ what: CHANGE.modified | CHANGE.closedAfterWrite | CHANGE.deleted });
    expect(reasonOf(withAccess(access({ rights: 0x2 })), both)).toBe(OFF);
    expect(reasonOf(withAccess(access({ rights: 0x1_0000 })), both)).toBe(OFF);
    expect(reasonOf(withAccess(access({ rights: 0x1_0002 })), both)).toBe(NOTEPAD.pid);
    const shared = withAccess(access({ rights: 0x2 }), access({ process: OTHER, rights: 0x1_0000 }));
    expect(reasonOf(shared, both)).toContain('several');
    const perhaps = withAccess(access({ rights: 0x2 }), access({ process: OTHER, rights: 0x1_0002 }));
    expect(reasonOf(perhaps, both)).toContain('several');
  });

  it('R200 looks a move up under its old name', () => {
    const writers = withAccess(access({ rights: 0x1_0000 }));
    const moved = changed({ path: 'C:\\Data\\b.txt', what: CHANGE.movedTo });
    expect(reasonOf(writers, { ...moved, from: 'C:\\Data\\a.txt' })).toBe(NOTEPAD.pid);
    expect(reasonOf(writers, moved)).toContain('auditing');
  });

  it('has the command line and start of a process that the log saw start', () => {
    const writers = new Writers();
    const started = (process: object, action: 'process_started' | 'process_ended' = 'process_started') => {
      writers.process({
        kind: 'process',
        reported: {
          action,
          at: 1,
          provider: 'security log',
          executable: 'x',
          process: process as typeof NOTEPAD,
        },
      });
    };
    const whole = { ...NOTEPAD, command_line: 'notepad a.txt', start: '2026-11-28T01:02:03.987Z' };
    started(whole);
    writers.accessed(access());
    expect(writers.attribute(changed()).by.actor).toMatchObject({ process: whole });
    started({ ...whole, executable: 'C:\\other.exe' });
    writers.accessed(access({ path: 'C:\\2' }));
    expect(writers.attribute(changed({ path: 'C:\\2' })).by.actor).toMatchObject({ process: NOTEPAD });
    started(whole);
    started(NOTEPAD, 'process_ended');
    writers.accessed(access({ path: 'C:\\3' }));
    expect(writers.attribute(changed({ path: 'C:\\3' })).by.actor).toEqual({
      state: 'known',
      process: NOTEPAD,
      user: USER,
    });
  });

  it('is nobody where more had it than are remembered, and paths are forgotten, the oldest first', () => {
    const writers = new Writers();
    for (let pid = 1; pid <= 8; pid += 1) writers.accessed(access({ process: { pid }, rights: 0x1_0000 }));
    writers.accessed(access({ process: { pid: 9 } }));
    expect(reasonOf(writers)).toContain('several');
    for (let at = 0; at < 20_000; at += 1) writers.accessed(access({ path: `C:\\${at}` }));
    expect(reasonOf(writers)).toContain('auditing');
    expect(reasonOf(writers, changed({ path: 'C:\\0' }))).toBe(NOTEPAD.pid);
  });
});
