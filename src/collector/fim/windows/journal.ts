import type { StartTimer } from '../../debounce.ts';
import { forgetOldest } from '../../forget-oldest.ts';
import { CHANGE, type LostChanges, type RawChange } from '../change.ts';
import type { RuleSet } from '../rule-set.ts';
import { unknownActor } from '../unknown-actor.ts';
import { Unplaced } from './unplaced.ts';
import {
  changeOf,
  decodeJournal,
  decodeRecords,
  encodeRead,
  JOURNAL_ERRORS,
  RENAME_NEW_NAME,
  RENAME_OLD_NAME,
  type FileNumber,
  type UsnJournal,
  type UsnRecord,
} from './usn.ts';
import type { OpenVolume, Volume, Whereabouts } from './volume.ts';

/** How often a journal is read, ms; and the most that is read of it at once, in answers of 64 KiB. */
const READ_MS = 1_000;
const READS_AT_ONCE = 64;

/** Directories whose path is remembered, and old names that wait for the new one. */
const MAX_DIRECTORIES = 4_096;
const MAX_MOVES = 1_024;

const BY = unknownActor('the change journal does not tell who made a change');

/** A place in a journal, as it is kept from one run of the agent to the next. */
export interface Cursor {
  /** Number of the journal, in decimal. */
  readonly journal: string;
  /** Where to read on, in decimal. */
  readonly next: string;
}

export interface JournalOptions {
  /** The letter of the drive. */
  readonly drive: string;
  readonly open: OpenVolume;
  readonly startTimer: StartTimer;
  /** Where the run before ended; `undefined` for the first one, which begins at the end of the journal. */
  readonly cursor: Cursor | undefined;
  readonly changes: (changes: readonly RawChange[]) => void;
  readonly lost: (lost: LostChanges) => void;
  /** Why it can't be read; empty once it can. */
  readonly failed: (text: string) => void;
}

/**
 * Reads the change journal of one NTFS volume (R208): what happens now, and what happened while the agent was off. Needs
 * the rights of an administrator.
 */
export class JournalReader {
  readonly #options: JournalOptions;
  #rules: RuleSet | undefined;
  #volume: Volume | undefined;
  #cursor: Cursor | undefined;
  #cancel: (() => void) | undefined;
  #failing = false;
  #stopped = false;
  /** What stands in the journal before this happened before it was read for the first time. */
  #begun: bigint | undefined;
  readonly #paths = new Map<FileNumber, string>();
  readonly #moves = new Map<FileNumber, string>();
  readonly #unplaced: Unplaced;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
    this.#unplaced = new Unplaced(options.startTimer, (count) => {
      this.#lose('error', count);
    });
  }

  /** Up to where the journal is read. What was told before is to be safe before this is kept. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  start(rules: RuleSet): void {
    this.#rules = rules;
    if (this.#cancel !== undefined || this.#stopped) return;
    this.#tick();
  }

  /** For good: a stopped reader is not started again. */
  stop(): void {
    this.#stopped = true;
    this.#unplaced.stop();
    this.#cancel?.();
    this.#cancel = undefined;
    this.#volume?.close();
    this.#volume = undefined;
  }

  #tick(): void {
    this.#read();
    // Who hears that it can't be read may have stopped it by now.
    if (this.#stopped) return;
    this.#cancel = this.#options.startTimer(READ_MS, () => {
      this.#tick();
    });
  }

  #read(): void {
    try {
      this.#volume ??= this.#options.open(this.#options.drive);
      this.#readFrom(this.#volume);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : 'the volume could not be read');
    }
  }

  #readFrom(volume: Volume): void {
    const journal = this.#query(volume);
    if (journal === undefined) return;
    this.#begun ??= journal.nextUsn;
    let next = this.#placeIn(journal);
    for (let reads = 0; reads < READS_AT_ONCE && next < journal.nextUsn; reads += 1) {
      const answer = volume.read(encodeRead(journal.id, next));
      if ('error' in answer) {
        this.#refused(answer.error);
        return;
      }
      const read = decodeRecords(answer.bytes);
      // One that does not move on would be read for ever.
      if (read === undefined || read.next <= next) {
        this.#lose('error');
        next = journal.nextUsn;
        break;
      }
      this.#tell(volume, read.records);
      if (read.unknown > 0) this.#lose('error', read.unknown);
      next = read.next;
    }
    this.#cursor = { journal: String(journal.id), next: String(next) };
    this.#fail('');
  }

  #query(volume: Volume): UsnJournal | undefined {
    const answer = volume.query();
    const journal = 'bytes' in answer ? decodeJournal(answer.bytes) : undefined;
    if (journal === undefined) this.#refused('error' in answer ? answer.error : 0);
    return journal;
  }

  /** Where to read on, after telling what can't be read any more: another journal, or records that were overwritten. */
  #placeIn(journal: UsnJournal): bigint {
    const cursor = this.#cursor;
    if (cursor === undefined) return journal.nextUsn;
    const next = numberOf(cursor.next);
    const same = cursor.journal === String(journal.id) && next !== undefined && next <= journal.nextUsn;
    if (same && next >= journal.firstUsn) return next;
    this.#lose(same ? 'overflow' : 'restart');
    return same ? journal.firstUsn : journal.nextUsn;
  }

  #refused(error: number): void {
    if (error === JOURNAL_ERRORS.entryDeleted && this.#cursor !== undefined) {
      this.#lose('overflow');
      this.#cursor = undefined;
      return;
    }
    const { notActive, deleteInProgress, invalidParameter } = JOURNAL_ERRORS;
    if (error === notActive || error === deleteInProgress) {
      this.#fail(
        `drive ${this.#options.drive}: has no change journal; make one with fsutil usn createjournal`,
      );
    } else if (error === invalidParameter) {
      this.#lose('restart');
      this.#cursor = undefined;
    } else this.#fail(`the change journal of drive ${this.#options.drive}: can't be read: error ${error}`);
    this.#volume?.close();
    this.#volume = undefined;
  }

  #tell(volume: Volume, records: readonly UsnRecord[]): void {
    const changes: RawChange[] = [];
    for (const record of records) {
      // Paths below a directory that moves or goes are others from here on.
      if (record.directory && (changeOf(record.reason) & MOVES) !== 0) this.#paths.clear();
      const place = this.#directoryOf(volume, record.parent);
      if ('error' in place) this.#unplaced.add(record.parent);
      else if ('path' in place)
        changes.push(...this.#changesOf(record, this.#named(place.path, record.name)));
    }
    if (changes.length > 0) this.#options.changes(changes);
    this.#unplaced.settle();
  }

  #changesOf(record: UsnRecord, path: string): RawChange[] {
    const { directory, at } = record;
    const from = this.#movedFrom(record, path);
    const what = changeOf(record.reason);
    if (what === 0 || !this.#concerns(path, directory)) return [];
    const late = record.usn < (this.#begun ?? 0n);
    return [
      {
        path,
        what,
        directory,
        at,
        by: BY,
        ...(from === undefined ? {} : { from }),
        ...(late ? { late } : {}),
      },
    ];
  }

  #named(directory: string, name: string): string {
    const path = directory.endsWith('\\') ? directory + name : `${directory}\\${name}`;
    return this.#rules?.spelled(path) ?? path;
  }

  /** A directory on the way to what a rule names counts: what the rule names comes and goes with it. */
  #concerns(path: string, directory: boolean): boolean {
    const rules = this.#rules;
    if (rules === undefined) return false;
    if (rules.rulesFor(path, directory).length > 0 || rules.isCanary(path)) return true;
    return directory && rules.entersDirectory(path);
  }

  /** Old and new name are two records of one file. Only the first record with the new name has an old one waiting. */
  #movedFrom({ reason, file }: UsnRecord, path: string): string | undefined {
    const from = this.#moves.get(file);
    if ((reason & RENAME_NEW_NAME) !== 0) {
      this.#moves.delete(file);
      return from;
    }
    if ((reason & RENAME_OLD_NAME) !== 0) {
      this.#moves.set(file, path);
      forgetOldest(this.#moves, MAX_MOVES);
    }
    return undefined;
  }

  /** A directory that is gone has a record of its own, below one that is there; that it is gone says all of it. */
  #directoryOf(volume: Volume, number: FileNumber): Whereabouts {
    const known = this.#paths.get(number);
    if (known !== undefined) return { path: known };
    if (this.#unplaced.has(number)) return NOT_PLACED;
    const found = volume.find(number);
    if ('path' in found) {
      this.#paths.set(number, found.path);
      forgetOldest(this.#paths, MAX_DIRECTORIES);
    }
    return found;
  }

  #lose(reason: LostChanges['reason'], count?: number): void {
    const below = (this.#rules?.roots() ?? []).filter((root) => driveOf(root) === this.#options.drive);
    if (below.length > 0) this.#options.lost({ reason, below, ...(count === undefined ? {} : { count }) });
  }

  #fail(text: string): void {
    if (text === '' ? !this.#failing : this.#failing) return;
    this.#failing = text !== '';
    this.#options.failed(text);
  }
}

const NOT_PLACED = { error: 0 } as const;

const MOVES = CHANGE.movedFrom | CHANGE.movedTo | CHANGE.deleted;

/** The letter of the drive that a path is on, in upper case; `undefined` for any other path. */
export function driveOf(path: string): string | undefined {
  return /^([A-Za-z]):(?:\\|$)/.exec(path)?.[1]?.toUpperCase();
}

function numberOf(text: string): bigint | undefined {
  return /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}
