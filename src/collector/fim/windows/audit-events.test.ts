import { describe, expect, it } from 'vitest';
import { EventUser } from '../../../shared/host-events.ts';
import { EDR_RULES } from '../../../shared/process-events.ts';
import { registryEvent } from '../../edr/registry-rules.ts';
import { readAudit, registryKey, type FileAccess, type RegistryChange } from './audit-events.ts';
import { parseAudit } from './audit-xml.ts';
import { auditXml, SUBJECT, type RecordParts } from './testing/audit-xml.ts';

const AT = Date.parse('2026-11-28T01:02:03.987Z');
const PROCESS = { ProcessId: '0x1a2c', ProcessName: 'C:\\Windows\\System32\\notepad.exe' };
const USER = { id: SUBJECT.SubjectUserSid, name: 'CORP\\anna' };
const NOTEPAD = { pid: 0x1a2c, name: 'notepad.exe', executable: 'C:\\Windows\\System32\\notepad.exe' };

const read = (parts: RecordParts) => {
  const { records, unknown } = parseAudit(auditXml(parts));
  expect([records.length, unknown]).toEqual([1, 0]);
  return readAudit(records[0]!);
};

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

  it('R201 4688 has no secrets of programs that take them as arguments of their own', () => {
    const data = { ...START, CommandLine: 'curl -u anna:geheim --password "two words" https://x' };
    expect(read({ id: 4688, data })).toMatchObject({
      reported: { process: { command_line: 'curl -u anna:[redacted] --password [redacted] https://x' } },
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
      registry: { hive: 'HKLM', key: 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run', value: 'Updater' },
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
