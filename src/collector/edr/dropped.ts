import { closeSync, readSync } from 'node:fs';
import type { StartTimer } from '../debounce.ts';
import { CHANGE, type Attribution, type RawChange } from '../fim/change.ts';
import { forgetOldest } from '../forget-oldest.ts';
import { homes } from '../linux/accounts.ts';
import { openRegular, type Place } from '../open-file.ts';
import type { Os } from '../table.ts';
import { pathTest, type EdrRule, type PathTest } from './rules.ts';

/** From a change to the look at the file, ms: what writes it may still set its mode. */
const SETTLE_MS = 200;

/** Paths that wait for a look, those looked at in one go, and what was reported and is not again. */
const MOST_WAITING = 8_192;
const TURN = 200;
const MOST_REPORTED = 4_096;

/** Changes after which a file may have become an executable. */
const MAY_DROP =
  CHANGE.created | CHANGE.closedAfterWrite | CHANGE.modified | CHANGE.movedTo | CHANGE.attributes;

const EXECUTABLE = 0o111;

/** An executable that appeared in a suspect place. */
export interface Dropped {
  readonly rule: EdrRule<'dropped_executables'>;
  readonly path: string;
  /** What makes it one: its first bytes, or its mode. */
  readonly kind: 'ELF' | 'Mach-O' | 'script' | 'mode';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly inode: number;
  readonly mtimeMs: number;
  readonly by: Attribution | undefined;
}

export interface DropOptions {
  readonly place: Place;
  /** The homes of everybody, for paths that begin with `~/`; those of /etc/passwd unless told otherwise. */
  readonly homes?: () => string[];
  readonly startTimer: StartTimer;
  readonly dropped: (found: readonly Dropped[]) => void;
  /** Paths had no place among those that wait. */
  readonly lost: (count: number) => void;
}

interface Suspect {
  readonly rule: EdrRule<'dropped_executables'>;
  readonly folder: string;
  readonly excluded: PathTest;
}

/** Finds executables that appear below the folders of the rules. Paths are host text. */
export class DropWatch {
  readonly #options: DropOptions;
  #suspects: readonly Suspect[] = [];
  readonly #waiting = new Map<string, Attribution | undefined>();
  readonly #reported = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(options: DropOptions) {
    this.#options = options;
  }

  setRules(rules: readonly EdrRule<'dropped_executables'>[]): void {
    this.#suspects = rules.flatMap((rule) => {
      const excluded = pathTest(rule.exclude);
      return this.#foldersOf(rule).map((folder) => ({ rule, folder, excluded }));
    });
  }

  /** The folders of the rules, for who tells of changes. */
  folders(): string[] {
    return [...new Set(this.#suspects.map(({ folder }) => folder))];
  }

  /** A file changed. */
  changed({ path, what, directory, by }: RawChange): void {
    if (directory || (what & MAY_DROP) === 0 || this.#suspectOf(path) === undefined) return;
    this.#look(path, by);
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** `~/` stands for the home of everybody. Nothing but absolute paths is taken. */
  #foldersOf({ paths }: EdrRule<'dropped_executables'>): string[] {
    return paths.flatMap((path) => {
      const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path;
      if (trimmed.startsWith('~/')) return this.#homes().map((home) => home + trimmed.slice(1));
      return trimmed.startsWith('/') && !trimmed.split('/').includes('..') ? [trimmed] : [];
    });
  }

  #homes(): string[] {
    const { place, homes: listed } = this.#options;
    try {
      return listed?.() ?? homes(place).map(({ path }) => path);
    } catch {
      return [];
    }
  }

  #suspectOf(path: string): Suspect | undefined {
    return this.#suspects.find(
      ({ folder, excluded }) => path.startsWith(folder === '/' ? '/' : `${folder}/`) && !excluded(path),
    );
  }

  #look(path: string, by: Attribution | undefined): void {
    // Who came last made it what it is; one who is not known does not hide one who is.
    const before = this.#waiting.get(path);
    if (this.#waiting.size >= MOST_WAITING && !this.#waiting.has(path)) {
      this.#options.lost(1);
      return;
    }
    this.#waiting.set(path, by?.actor.state === 'known' ? by : (before ?? by));
    this.#cancel ??= this.#options.startTimer(SETTLE_MS, () => this.#turn());
  }

  #turn(): void {
    this.#cancel = undefined;
    const due = [...this.#waiting].slice(0, TURN);
    const found: Dropped[] = [];
    for (const [path, by] of due) {
      this.#waiting.delete(path);
      const dropped = this.#examine(path, by);
      if (dropped !== undefined) found.push(dropped);
    }
    if (found.length > 0) this.#options.dropped(found);
    if (this.#waiting.size > 0) this.#cancel = this.#options.startTimer(1, () => this.#turn());
  }

  /** What stands at a path, if it is an executable that was not reported yet. */
  #examine(path: string, by: Attribution | undefined): Dropped | undefined {
    const suspect = this.#suspectOf(path);
    const file = suspect === undefined ? undefined : lookAt(this.#options.place, path);
    if (suspect === undefined || file === undefined) return undefined;
    const key = [path, file.inode, file.mtimeMs, file.size, file.kind].join('|');
    if (this.#reported.has(key)) return undefined;
    this.#reported.add(key);
    forgetOldest(this.#reported, MOST_REPORTED);
    return { rule: suspect.rule, path, ...file, by };
  }
}

/** What a regular file is, no link followed; `undefined` for what is no executable, or can't be looked at. */
function lookAt(place: Place, path: string): Omit<Dropped, 'rule' | 'path' | 'by'> | undefined {
  try {
    // Neither a second name nor a length hides a program.
    const opened = openRegular(place, path, {
      links: 'none',
      secondNames: true,
      maxBytes: Number.POSITIVE_INFINITY,
    });
    if (opened === undefined) return undefined;
    const { fd, stat } = opened;
    const magic = Buffer.alloc(8);
    try {
      readSync(fd, magic, 0, 8, 0);
    } finally {
      closeSync(fd);
    }
    const kind = kindOf(magic, stat.mode, place.os);
    const { size, uid, gid, ino: inode, mtimeMs } = stat;
    return kind === undefined
      ? undefined
      : { kind, size, mode: stat.mode & 0o7777, uid, gid, inode, mtimeMs };
  } catch {
    return undefined;
  }
}

/** By its first eight bytes (elf(5), execve(2), mach-o/loader.h), or because it may be executed. */
function kindOf(magic: Buffer, mode: number, os: Os): Dropped['kind'] | undefined {
  if (magic.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'))) return 'ELF';
  if (os === 'darwin' && isMachO(magic)) return 'Mach-O';
  if (magic.subarray(0, 2).toString('latin1') === '#!') return 'script';
  return (mode & EXECUTABLE) === 0 ? undefined : 'mode';
}

/** MH_MAGIC and MH_MAGIC_64 in both byte orders. */
const MACH_O: ReadonlySet<number> = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe]);
/** FAT_MAGIC and FAT_MAGIC_64: several of them in one (mach-o/fat.h). */
const FAT: ReadonlySet<number> = new Set([0xcafebabe, 0xcafebabf]);
/** A class of Java begins as FAT_MAGIC does; there a version of 45 or more stands where this has its number of programs. */
const MOST_IN_FAT = 40;

function isMachO(magic: Buffer): boolean {
  const first = magic.readUInt32BE(0);
  return MACH_O.has(first) || (FAT.has(first) && magic.readUInt32BE(4) <= MOST_IN_FAT);
}
