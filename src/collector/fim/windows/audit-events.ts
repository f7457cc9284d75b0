import { cut } from '../../edr/program.ts';
import type { EventProcess, EventUser } from '../../../shared/host-events.ts';
import { commandLineText, imageOf, type ReportedProcess } from '../../edr/reported.ts';
import { encodeHostText } from '../../text.ts';
import type { AuditRecord } from './audit-xml.ts';

/*
 * What records of the Security log say (Windows security auditing, "Advanced security audit policy settings"): 4663 an
 * object was accessed, 4657 a registry value was set, 4688 and 4689 a process started and ended. 4656 says only what was
 * asked for, and 4660 has no path: the DELETE of 4663 says the same with one.
 */
export const AUDIT_EVENTS = [4657, 4663, 4688, 4689] as const;

const PROVIDER = 'security log';

/** A file that a process used a right on. */
export interface FileAccess {
  readonly kind: 'file';
  readonly at: number;
  /** Host text, as Windows names it. */
  readonly path: string;
  /** Bits of the rights that were used (winnt.h, "File access rights constants"). */
  readonly rights: number;
  readonly process: EventProcess;
  readonly user?: EventUser | undefined;
}

/** A registry value that was made, set or deleted. */
export interface RegistryChange {
  readonly kind: 'registry';
  readonly at: number;
  /** `HKLM\...` or `HKU\SID\...`, host text. */
  readonly key: string;
  readonly value: string;
  readonly operation: 'creation' | 'change' | 'deletion';
  readonly before: string;
  readonly after: string;
  readonly process: EventProcess;
  readonly user?: EventUser | undefined;
}

export interface ProcessAudit {
  readonly kind: 'process';
  readonly reported: ReportedProcess;
}

export type Audited = FileAccess | RegistryChange | ProcessAudit;

/** What a record says; `undefined` for one that says nothing of use, or not in the form it is documented in. */
export function readAudit(record: AuditRecord): Audited | undefined {
  switch (record.eventId) {
    case 4663:
      return fileAccess(record);
    case 4657:
      return registryChange(record);
    case 4688:
      return processStart(record);
    case 4689:
      return processEnd(record);
    default:
      return undefined;
  }
}

function fileAccess(record: AuditRecord): FileAccess | undefined {
  const path = field(record, 'ObjectName');
  const rights = numberIn(field(record, 'AccessMask'));
  const process = actingProcess(record);
  if (field(record, 'ObjectType') !== 'File' || path === undefined || rights === undefined) return undefined;
  if (process === undefined) return undefined;
  return { kind: 'file', at: record.at, path, rights, process, user: userOf(record, 'Subject') };
}

/** Message numbers of `OperationType`. */
const OPERATIONS: ReadonlyMap<string | undefined, RegistryChange['operation']> = new Map([
  ['%%1904', 'creation'],
  ['%%1905', 'change'],
  ['%%1906', 'deletion'],
]);

function registryChange(record: AuditRecord): RegistryChange | undefined {
  const key = registryKey(field(record, 'ObjectName') ?? '');
  const operation = OPERATIONS.get(field(record, 'OperationType'));
  const process = actingProcess(record);
  if (key === undefined || operation === undefined || process === undefined) return undefined;
  return {
    kind: 'registry',
    at: record.at,
    key,
    value: field(record, 'ObjectValueName') ?? '',
    operation,
    before: field(record, 'OldValue') ?? '',
    after: field(record, 'NewValue') ?? '',
    process,
    user: userOf(record, 'Subject'),
  };
}

/** `\REGISTRY\MACHINE\...` as people write it; `undefined` for any other name. */
export function registryKey(object: string): string | undefined {
  const [, hive = '', rest = ''] = /^\\REGISTRY\\(MACHINE|USER)(\\.*)?$/is.exec(object) ?? [];
  if (hive === '') return undefined;
  return `${hive.toUpperCase() === 'MACHINE' ? 'HKLM' : 'HKU'}${rest}`;
}

function processStart(record: AuditRecord): ProcessAudit | undefined {
  const pid = numberIn(field(record, 'NewProcessId'));
  const executable = field(record, 'NewProcessName');
  if (pid === undefined || executable === undefined) return undefined;
  const commandLine = field(record, 'CommandLine');
  const parentPid = numberIn(field(record, 'ProcessId'));
  const parentPath = field(record, 'ParentProcessName');
  const process: EventProcess = {
    pid,
    ...imageOf(executable),
    start: new Date(record.at).toISOString(),
    ...(commandLine === undefined ? {} : { command_line: commandLineText(commandLine) }),
    ...(parentPid === undefined
      ? {}
      : { parent: { pid: parentPid, ...(parentPath === undefined ? {} : imageOf(parentPath)) } }),
  };
  return reported('process_started', record, executable, process);
}

function processEnd(record: AuditRecord): ProcessAudit | undefined {
  const executable = field(record, 'ProcessName');
  const process = actingProcess(record);
  if (executable === undefined || process === undefined) return undefined;
  const status = numberIn(field(record, 'Status'));
  const ended = status === undefined ? process : { ...process, exit_code: status };
  return reported('process_ended', record, executable, ended);
}

function reported(
  action: ReportedProcess['action'],
  record: AuditRecord,
  executable: string,
  process: EventProcess,
): ProcessAudit {
  // A process that runs as somebody else than its creator has a target user; else its SID is that of nobody.
  const user = userOf(record, 'Target') ?? userOf(record, 'Subject');
  return {
    kind: 'process',
    reported: { action, at: record.at, provider: PROVIDER, executable, process, user },
  };
}

function actingProcess(record: AuditRecord): EventProcess | undefined {
  const pid = numberIn(field(record, 'ProcessId'));
  const path = field(record, 'ProcessName');
  return pid === undefined ? undefined : { pid, ...(path === undefined ? {} : imageOf(path)) };
}

const NOBODY = 'S-1-0-0';
const SID = /^S-1(?:-\d{1,20}){1,16}$/;

function userOf(record: AuditRecord, role: 'Subject' | 'Target'): EventUser | undefined {
  const id = field(record, `${role}UserSid`);
  if (id === undefined || id === NOBODY || !SID.test(id)) return undefined;
  const name = field(record, `${role}UserName`);
  const domain = field(record, `${role}DomainName`);
  if (name === undefined) return { id };
  const whole = domain === undefined ? name : `${domain}\\${name}`;
  return { id, name: cut(encodeHostText(whole, 'win32'), 1_024) };
}

/** A value; what is empty or `-` is absent. */
function field({ data }: AuditRecord, name: string): string | undefined {
  const value = data.get(name);
  return value === undefined || value === '' || value === '-' ? undefined : value;
}

/** A number as the log writes it, `0x1a2c` or decimal, up to 32 bits. */
function numberIn(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:0x[0-9a-f]{1,16}|\d{1,10})$/i.test(text)) return undefined;
  const value = Number(text);
  return value <= 0xffff_ffff ? value : undefined;
}
