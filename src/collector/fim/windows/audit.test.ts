import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventUser } from '../../../shared/host-events.ts';
import { EDR_RULES } from '../../../shared/process-events.ts';
import { registryEvent } from '../../edr/registry-rules.ts';
import { CHANGE, type RawChange } from '../change.ts';
import { unknownActor } from '../unknown-actor.ts';
import { readAudit, registryKey, type FileAccess, type RegistryChange } from './audit-events.ts';
import { parseAudit } from './audit-xml.ts';
import { auditXml, SUBJECT, type RecordParts } from './testing/audit-xml.ts';
import { Writers } from './writers.ts';

const AT = Date.parse('2026-11-28T01:02:03.987Z');
const PROCESS = { ProcessId: '0x1a2c', ProcessName: 'C:\\Windows\\System32\\notepad.exe' };
const USER = { id: SUBJECT.SubjectUserSid, name: 'CORP\\anna' };
const NOTEPAD = { pid: 0x1a2c, name: 'notepad.exe', executable: 'C:\\Windows\\System32\\notepad.exe' };

const read = (parts: RecordParts) => {
  const { records, unknown } = parseAudit(auditXml(parts));
  expect([records.length, unknown]).toEqual([1, 0]);
  return readAudit(records[0]!);
};

describe('records of the Security log as XML', () => {
  it('R208 are read one after the other, whatever stands between them', () => {
    const text = `\ufeff${auditXml({ id: 4688, record: 7, data: { A: '1', B: '' } })}\r\n\r\n${auditXml({ id: 4689, record: 8 })}\n`;
    expect(parseAudit(text)).toEqual({
      unknown: 0,
      records: [
        {
          eventId: 4688,
          recordId: 7,
          at: AT,
          data: new Map([
            ['A', '1'],
            ['B', ''],
          ]),
        },
        { eventId: 4689, recordId: 8, at: AT, data: new Map() },
      ],
    });
  });

  it('have their characters back, also in sections and references', () => {
    const xml = auditXml({ id: 4663, data: { ObjectName: 'C:\\a & <b>\u00e4' } }).replace(
      '</EventData>',
      "<Data Name='More'>&#x41;<![CDATA[<x>]]></Data></EventData>",
    );
    expect(parseAudit(xml).records[0]?.data).toEqual(
      new Map([
        ['ObjectName', 'C:\\a & <b>\u00e4'],
        ['More', 'A<x>'],
      ]),
    );
  });

  it.each([
    ['is not well-formed', '<Event><System><EventID>1</System></Event>'],
    ['has an entity of its own', '<!DOCTYPE x [<!ENTITY a "b">]><Event><System>&a;</System></Event>'],
    ['has no number', auditXml({ id: 4663 }).replace('<EventID>4663</EventID>', '')],
    ['has a number that is none', auditXml({ id: 4663 }).replace('>4663<', '>x<')],
    ['has no record number', auditXml({ id: 4663 }).replace('<EventRecordID>1</EventRecordID>', '')],
    ['has a time that is none', auditXml({ id: 4663, time: 'now' })],
    ['holds a control character', auditXml({ id: 4663, data: { A: '\u0001' } })],
    ['is larger than allowed', auditXml({ id: 4663, data: { A: 'x'.repeat(1024 * 1024) } })],
  ])('are counted where one %s, and the next one is read', (_what, xml) => {
    const { records, unknown } = parseAudit(xml + auditXml({ id: 4689, record: 9 }));
    expect(records.map(({ recordId }) => recordId)).toEqual([9]);
    expect(unknown).toBe(1);
  });

  it('do not grow by entities', () => {
    const bomb = `<!DOCTYPE b [<!ENTITY a "${'x'.repeat(1_000)}"><!ENTITY c "&a;&a;&a;&a;">]>`;
    expect(parseAudit(`${bomb}<Event><System><EventID>&c;</EventID></System></Event>`)).toEqual({
      records: [],
      unknown: 1,
    });
  });

  it('are bounded in values and fields', () => {
    const data = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`F${at}`, 'v']));
    expect(parseAudit(auditXml({ id: 1, data })).records[0]?.data.size).toBe(64);
    const long = parseAudit(auditXml({ id: 1, data: { A: 'x'.repeat(100_000) } }));
    expect(long.records[0]?.data.get('A')).toHaveLength(65_536);
  });

  it('take values of EventData alone, and those that have a name', () => {
    const xml = auditXml({ id: 1, data: { A: '1' } })
      .replace('<Security/>', "<Data Name='Fake'>x</Data><Security/>")
      .replace('</EventData>', '<Data>nameless</Data><Other><Data Name="Deep">y</Data></Other></EventData>');
    expect(parseAudit(xml).records[0]?.data).toEqual(new Map([['A', '1']]));
  });

  it('leave a last one out that was cut', () => {
    const whole = auditXml({ id: 1 });
    expect(parseAudit(whole + whole.slice(0, -3))).toMatchObject({ unknown: 0, records: [{ eventId: 1 }] });
    expect(parseAudit('')).toEqual({ records: [], unknown: 0 });
  });

  it('never throw, whatever the text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('</Event>', '<Event>', '<Data Name="A">', '&', auditXml({ id: 1 })),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const { records, unknown } = parseAudit(text);
        expect(records.length + unknown).toBe(text.split('</Event>').length - 1);
        for (const record of records) expect(() => readAudit(record)).not.toThrow();
      }),
    );
  });
});

describe('what records of the Security log say', () => {
  const ACCESS = {
    ...SUBJECT,
    ObjectType: 'File',
    ObjectName: 'C:\\Data\\a.txt',
    AccessMask: '0x6',
    ...PROCESS,
  };

  it('R200 4663: which right was used on a file, by whom', () => {
    const said = read({ id: 4663, data: ACCESS });
    expect(said).toEqual({
      kind: 'file',
      at: AT,
      path: 'C:\\Data\\a.txt',
      rights: 6,
      process: NOTEPAD,
      user: USER,
    });
    expect(EventUser.safeParse((said as FileAccess).user).success).toBe(true);
  });

  it.each([
    ['another object', { ObjectType: 'Key' }],
    ['no name', { ObjectName: '-' }],
    ['no rights', { AccessMask: '' }],
    ['rights that are none', { AccessMask: '0xzz' }],
    ['no process', { ProcessId: '' }],
    ['a process beyond all numbers', { ProcessId: '0x1ffffffff' }],
  ])('says nothing with %s', (_what, data) => {
    expect(read({ id: 4663, data: { ...ACCESS, ...data } })).toBeUndefined();
  });

  it('leaves out what is not known', () => {
    const data = { ...ACCESS, ProcessName: '-', SubjectUserSid: 'S-1-0-0' };
    expect(read({ id: 4663, data })).toMatchObject({ process: { pid: 0x1a2c }, user: undefined });
    const odd = { ...ACCESS, SubjectUserSid: 'x', ProcessId: '77' };
    expect(read({ id: 4663, data: odd })).toMatchObject({ process: { pid: 77 }, user: undefined });
    expect(read({ id: 4663, data: { ...ACCESS, SubjectDomainName: '' } })).toMatchObject({
      user: { name: 'anna' },
    });
    expect((read({ id: 4663, data: { ...ACCESS, SubjectUserName: '-' } }) as FileAccess).user).toEqual({
      id: SUBJECT.SubjectUserSid,
    });
  });

  const START = {
    ...SUBJECT,
    NewProcessId: '0x1abc',
    NewProcessName: 'C:\\Windows\\System32\\cmd.exe',
    TokenElevationType: '%%1936',
    ProcessId: '0x4f2',
    CommandLine: 'cmd.exe /c "set PASSWORD=geheim"',
    TargetUserSid: 'S-1-0-0',
    TargetUserName: '-',
    ParentProcessName: 'C:\\Windows\\explorer.exe',
  };

  it('R201 4688: what was started, by whom and for whom', () => {
    expect(read({ id: 4688, data: START })).toEqual({
      kind: 'process',
      reported: {
        action: 'process_started',
        at: AT,
        provider: 'security log',
        executable: 'C:\\Windows\\System32\\cmd.exe',
        process: {
          pid: 0x1abc,
          name: 'cmd.exe',
          executable: 'C:\\Windows\\System32\\cmd.exe',
          start: '2026-11-28T01:02:03.987Z',
          command_line: 'cmd.exe /c "set PASSWORD=[redacted]',
          parent: { pid: 0x4f2, name: 'explorer.exe', executable: 'C:\\Windows\\explorer.exe' },
        },
        user: USER,
      },
    });
    const other = {
      ...START,
      TargetUserSid: 'S-1-5-18',
      TargetUserName: 'SYSTEM',
      TargetDomainName: 'NT AUTHORITY',
    };
    expect(read({ id: 4688, data: other })).toMatchObject({
      reported: { user: { id: 'S-1-5-18', name: 'NT AUTHORITY\\SYSTEM' } },
    });
  });

  it('R201 4688 of older releases has no command line and no name of the parent', () => {
    const { CommandLine: _line, ParentProcessName: _name, ...data } = START;
    const said = read({ id: 4688, data });
    expect(said).toMatchObject({ reported: { process: { parent: { pid: 0x4f2 } } } });
    expect(JSON.stringify(said)).not.toContain('command_line');
    const { ProcessId: _id, ...orphan } = data;
    expect(JSON.stringify(read({ id: 4688, data: orphan }))).not.toContain('parent');
    expect(read({ id: 4688, data: { ...START, NewProcessName: '' } })).toBeUndefined();
    expect(read({ id: 4688, data: { ...START, NewProcessId: '' } })).toBeUndefined();
  });

  it('R201 4689: what ended, with its status', () => {
    expect(read({ id: 4689, data: { ...SUBJECT, Status: '0xc0000005', ...PROCESS } })).toEqual({
      kind: 'process',
      reported: {
        action: 'process_ended',
        at: AT,
        provider: 'security log',
        executable: NOTEPAD.executable,
        process: { ...NOTEPAD, exit_code: 0xc000_0005 },
        user: USER,
      },
    });
    expect(JSON.stringify(read({ id: 4689, data: PROCESS }))).not.toContain('exit_code');
    expect(read({ id: 4689, data: { ...PROCESS, ProcessName: '-' } })).toBeUndefined();
    expect(read({ id: 4689, data: { ...PROCESS, ProcessId: '-' } })).toBeUndefined();
  });

  const VALUE = {
    ...SUBJECT,
    ObjectName: '\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run',
    ObjectValueName: 'Updater',
    OperationType: '%%1905',
    OldValue: 'a.exe',
    NewValue: 'b.exe',
    ...PROCESS,
  };

  it('R200 R201 4657: which value was set, from what to what', () => {
    expect(read({ id: 4657, data: VALUE })).toEqual({
      kind: 'registry',
      at: AT,
      key: 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run',
      value: 'Updater',
      operation: 'change',
      before: 'a.exe',
      after: 'b.exe',
      process: NOTEPAD,
      user: USER,
    });
    const operationOf = (OperationType: string) =>
      (read({ id: 4657, data: { ...VALUE, OperationType } }) as RegistryChange | undefined)?.operation;
    expect(['%%1904', '%%1906', '%%1', ''].map(operationOf)).toEqual([
      'creation',
      'deletion',
      undefined,
      undefined,
    ]);
    const empty = { ...VALUE, ObjectValueName: '', OldValue: '', NewValue: '-' };
    expect(read({ id: 4657, data: empty })).toMatchObject({ value: '', before: '', after: '' });
    expect(read({ id: 4657, data: { ...VALUE, ObjectName: '' } })).toBeUndefined();
    expect(read({ id: 4657, data: { ...VALUE, ProcessId: '' } })).toBeUndefined();
  });

  it('say nothing by other numbers', () => {
    expect(read({ id: 4656, data: ACCESS })).toBeUndefined();
  });

  it('name keys as people do', () => {
    expect(
      [
        '\\REGISTRY\\MACHINE',
        '\\registry\\User\\S-1-5-18\\X',
        '\\REGISTRY\\A\\x',
        'HKLM\\x',
        '\\REGISTRY\\MACHINEX',
      ].map(registryKey),
    ).toEqual(['HKLM', 'HKU\\S-1-5-18\\X', undefined, undefined, undefined]);
  });

  const rules = (...keys: string[]) => [
    { id: 'run', ...EDR_RULES.registry_events.parse({ severity: 'high', keys }) },
  ];
  const eventOf = (change: RegistryChange, ...keys: string[]) =>
    registryEvent(change, rules(...keys), () => '00000000-0000-4000-8000-000000000000');
  const change = read({ id: 4657, data: VALUE }) as RegistryChange;

  it('R201 make an event below a key of a rule', () => {
    expect(eventOf(change, 'HKLM\\Nothing', 'HKEY_LOCAL_MACHINE\\software\\Microsoft\\')).toEqual({
      '@timestamp': '2026-11-28T01:02:03.987Z',
      event: {
        id: '00000000-0000-4000-8000-000000000000',
        kind: 'event',
        module: 'edr',
        category: ['registry'],
        type: ['change'],
        action: 'registry_value_set',
        severity: 3,
        provider: 'security log',
      },
      rule: { id: 'run' },
      process: NOTEPAD,
      user: USER,
      wayfarer: {
        severity: 'high',
        item: 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\Updater',
      },
    });
  });

  it('R201 make none elsewhere, and one for every user below HKCU', () => {
    expect(eventOf(change, 'HKLM\\SOFTWARE\\Micro')).toBeUndefined();
    expect(eventOf(change, 'HKCU\\SOFTWARE')).toBeUndefined();
    const user = { ...change, key: 'HKU\\S-1-5-21-7\\Software\\Run', user: undefined };
    expect(eventOf(user, 'HKCU\\Software\\Run')?.user).toBeUndefined();
    for (const key of [
      'HKCU\\Software\\Run',
      'HKEY_CURRENT_USER\\software',
      'HKU\\S-1-5-21-7',
      'HKEY_USERS',
    ]) {
      expect(eventOf(user, key)?.rule?.id).toBe('run');
    }
    expect(eventOf({ ...user, key: 'HKU' }, 'HKCU\\Software')).toBeUndefined();
    expect(eventOf(user, 'HKCU\\Software\\Ru')).toBeUndefined();
  });
});

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
