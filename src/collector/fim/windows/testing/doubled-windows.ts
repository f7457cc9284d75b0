import type { CommandResult } from '../../../table.ts';
import type { Looked } from '../../../edr/dropped-programs.ts';
import { contextOn } from '../../../testing/host.ts';
import { SteppedTimers } from '../../../testing/timers.ts';
import type { WindowsCalls } from '../../../edr/windows/calls.ts';
import type { NamedObject } from '../../../edr/windows/object-directories.ts';
import type { OwnedSocket } from '../../../edr/windows/socket-tables.ts';
import type { AuditPolicy } from '../audit-policy.ts';
import type { OpenVolume, Volume, Whereabouts } from '../volume.ts';
import { DoubledRegistry } from './doubled-registry.ts';
import { auditXml, SUBJECT, type RecordParts } from './audit-xml.ts';
import { usnAnswer, usnJournal, usnRecord, type RecordFields } from './usn-bytes.ts';

/*
 * A double of what the sources ask of Windows: journals of drives as winioctl.h lays them out, and a Security log as wevtutil
 * prints it. It shows how the sources take documented answers, not what Windows does.
 */

/** `ERROR_ACCESS_DENIED` (winerror.h): what a volume answers to who is no administrator. */
const ACCESS_DENIED = 5;

/** `ERROR_INVALID_PARAMETER`: what OpenProcess answers for a number that no process has. */
const NO_SUCH_PROCESS = 87;

const ALL_ON: AuditPolicy = { starts: true, ends: true, files: true, registry: true };

/** One doubled drive: its journal, and the directories that it has by their number. */
export class DoubledDrive {
  id = 7n;
  first = 100n;
  next = 1_000n;
  readonly places = new Map<bigint, string>();
  #error: number | undefined;
  #records: { readonly usn: bigint; readonly bytes: Buffer }[] = [];

  /** A directory with a number of its own; what is in it is told by that. */
  directory(number: bigint, path: string): this {
    this.places.set(number, path);
    return this;
  }

  write(fields: RecordFields): void {
    const bytes = usnRecord({ ...fields, usn: this.next });
    this.#records.push({ usn: this.next, bytes });
    this.next += BigInt(bytes.length);
  }

  /** It can't be read any more: Windows' error number. */
  fail(error: number): void {
    this.#error = error;
  }

  /** Another journal takes the place of this one. */
  exchange(): void {
    this.id += 1n;
    this.first = 0n;
    this.next = 0n;
    this.#records = [];
  }

  open(): Volume {
    return {
      query: () =>
        this.#error === undefined
          ? { bytes: usnJournal(this.id, this.first, this.next) }
          : { error: this.#error },
      read: (question) => {
        const from = question.readBigInt64LE(0);
        const records = this.#records.filter(({ usn }) => usn >= from);
        return { bytes: usnAnswer(this.next, ...records.map(({ bytes }) => bytes)) };
      },
      find: (number) => this.#find(number),
      close: () => undefined,
    };
  }

  #find(number: string): Whereabouts {
    const path = this.places.get(Buffer.from(number, 'hex').readBigUInt64LE());
    return path === undefined ? { gone: true } : { path };
  }
}

/** A doubled host in a test's hands. */
export class DoubledWindows {
  readonly timers = new SteppedTimers(Date.parse('2026-11-28T01:02:00.000Z'));
  readonly drives = new Map<string, DoubledDrive>([['C', new DoubledDrive()]]);
  readonly registry = new DoubledRegistry();
  policy: AuditPolicy = ALL_ON;
  /** What a look at a file finds. */
  readonly files = new Map<string, Looked>();
  /** Sockets that listen, of TCP over IPv4; all other tables are empty. */
  sockets: readonly OwnedSocket[] = [];
  /** Paths of images by pid. */
  readonly images = new Map<number, string>();
  /** Directories of the object namespace. */
  readonly directories = new Map<string, NamedObject[]>();
  /** Why neither sockets nor objects can be told. */
  silent: string | undefined;
  /** How often sockets and objects were asked for. */
  looks = 0;
  /** Error number of what may not be done: opening volumes. */
  refused: number | undefined;
  /** How often a volume was to be opened. */
  opened = 0;
  /** Exit code of wevtutil. */
  exitCode = 0;
  /** What PowerShell says of Run keys. */
  startup: readonly object[] = [];
  /** Questions that wevtutil was asked. */
  readonly asked: string[] = [];
  #log: { readonly record: number; readonly id: number; readonly xml: string }[] = [];
  #record = 500;

  /** A record of the Security log, now. */
  audit(id: number, data: Readonly<Record<string, string>>): void {
    this.#record += 1;
    const time = new Date(this.timers.now()).toISOString();
    const parts: RecordParts = { id, record: this.#record, time, data: { ...SUBJECT, ...data } };
    this.#log.push({ record: this.#record, id, xml: auditXml(parts) });
  }

  /** The host as sources see it. */
  host() {
    let id = 0;
    const run = (file: string, args: readonly string[]): Promise<CommandResult> =>
      Promise.resolve(file === 'powershell.exe' ? this.#powershell() : this.#wevtutil(file, args));
    const { now } = this.timers;
    return {
      ...{ run, now },
      context: contextOn('/nowhere', { os: 'win32', run, now }),
      startTimer: this.timers.start,
      volumes: (): OpenVolume => (letter) => this.#open(letter),
      registry: () => this.registry.open,
      notices: () => this.registry.notice,
      policy: () => this.policy,
      look: (path: string) => this.files.get(path),
      calls: this.#calls(),
      pid: 4_242,
      newId: () => `00000000-0000-4000-8000-${String((id += 1)).padStart(12, '0')}`,
    };
  }

  forbid(): void {
    this.refused = ACCESS_DENIED;
  }

  #calls(): WindowsCalls {
    const heard = <T>(answer: T): T => {
      this.looks += 1;
      if (this.silent !== undefined) throw new Error(this.silent);
      return answer;
    };
    return {
      sockets: (table) => heard(table === 'tcp' ? this.sockets : []),
      image: (pid) => {
        const path = this.images.get(pid);
        return path === undefined ? { error: NO_SUCH_PROCESS } : { path };
      },
      objects: (directory) => heard(this.directories.get(directory) ?? []),
    };
  }

  #open(letter: string): Volume {
    this.opened += 1;
    if (this.refused !== undefined) {
      throw new Error(`the volume ${letter}: can't be opened: error ${this.refused}`);
    }
    const drive = this.drives.get(letter);
    if (drive === undefined) throw new Error(`the volume ${letter}: can't be opened: error 2`);
    return drive.open();
  }

  #powershell(): CommandResult {
    const sections = { service: [], run: this.startup, task: [] };
    const lines = Object.entries(sections).map(([section, rows]) => JSON.stringify({ section, rows }));
    return { exitCode: 0, stdout: Buffer.from(lines.join('\n')), stderr: '' };
  }

  #wevtutil(file: string, args: readonly string[]): CommandResult {
    const query = args.find((arg) => arg.startsWith('/query:')) ?? '';
    this.asked.push(query);
    if (file !== 'wevtutil.exe') throw new Error(`${file} is not doubled`);
    const after = Number(/EventRecordID>(\d+)/.exec(query)?.[1] ?? 0);
    const found = this.#log.filter(
      ({ record, id }) => record > after && (query === '/query:*' || query.includes(`EventID=${id}`)),
    );
    const ordered = args.includes('/reversedirection:true') ? found.toReversed() : found;
    const most = args.includes('/count:1') ? 1 : 2_000;
    const text = ordered.slice(0, most).map(({ xml }) => xml);
    return { exitCode: this.exitCode, stdout: Buffer.from(text.join('\r\n'), 'utf16le'), stderr: '' };
  }
}
