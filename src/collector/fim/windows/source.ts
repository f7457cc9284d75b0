import type { MountState } from '../../../shared/sensor.ts';
import type { StartTimer } from '../../debounce.ts';
import type { LostChanges, RawChange } from '../change.ts';
import type { FileWatcher } from '../file-watcher.ts';
import { fileWatcherFor } from '../file-watcher-source.ts';
import type { RuleSet } from '../rule-set.ts';
import type { ChangeSource, SourceEvents } from '../source.ts';
import { unknownActor } from '../unknown-actor.ts';
import type { WatchPort } from '../watcher/subscribe.ts';
import { howToAudit } from './audit-policy.ts';
import { AuditedChanges } from './audited-changes.ts';
import { driveOf, JournalReader, type Cursor } from './journal.ts';
import type { SecurityLog } from './security-log.ts';
import type { OpenVolume } from './volume.ts';
import type { Writers } from './writers.ts';

/** How long a change waits for the log to be written before it is read, ms. */
const SETTLE_MS = 1_000;

/**
 * How often the places in the journals are kept, and how old one is that is kept, ms: what was told after it may not be
 * durable yet (a path rests for 30 s at most) and is told again in the next run, where it makes no second event.
 */
const KEEP_MS = 30_000;
const LAG_MS = 120_000;

const NOT_AUDITED = unknownActor('accesses to files are not audited on this host');

export interface JournalSourceOptions {
  /** Gives access to the volumes. Throws off Windows. */
  readonly volumes: () => OpenVolume;
  readonly log: Pick<SecurityLog, 'policy' | 'trouble' | 'begin' | 'read'>;
  readonly writers: Pick<Writers, 'attribute'>;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** Where the run before was in the journal of a drive. */
  readonly kept: (drive: string) => Cursor | undefined;
  /** `undefined` for a drive that rules touch no more. */
  readonly keep: (drive: string, cursor: Cursor | undefined) => void;
  readonly events: SourceEvents;
  /** For the drives without a journal; the host's own unless a test brings one. */
  readonly port?: WatchPort | undefined;
}

interface Drive {
  readonly reader: JournalReader;
  /** Places and when they were read, the oldest first. */
  readonly places: { readonly at: number; readonly cursor: Cursor }[];
}

/**
 * Changes of files on Windows (R208): from the change journal of each drive that rules touch, with actors from the Security
 * log; through the file watcher where a drive has no journal that can be read. Needs the rights of an administrator.
 */
export class JournalSource implements ChangeSource {
  readonly provider = 'change journal';
  readonly #options: JournalSourceOptions;
  readonly #drives = new Map<string, Drive>();
  /** Drives without a journal, and why. */
  readonly #refused = new Map<string, string>();
  readonly #audited: AuditedChanges;
  readonly #watcher: FileWatcher;
  #open: OpenVolume | undefined;
  #rules: RuleSet | undefined;
  #cancelSettle: (() => void) | undefined;
  #cancelKeep: (() => void) | undefined;
  #started = false;

  constructor(options: JournalSourceOptions) {
    const { events, log, writers, now, startTimer, port } = options;
    this.#options = options;
    this.#audited = new AuditedChanges({
      poll: () => log.read(),
      attribute: (change) => writers.attribute(change),
      changes: events.changes,
    });
    this.#watcher = fileWatcherFor(
      events,
      { os: 'win32', now, startTimer, port },
      { covers: (root) => !this.#drives.has(driveOf(root) ?? '') },
    );
  }

  get actors(): 'known' | 'unknown' {
    return this.noActors === undefined ? 'known' : 'unknown';
  }

  get noActors(): string | undefined {
    const { policy, trouble } = this.#options.log;
    if (policy?.files === false) {
      return `accesses to files are not audited: ${howToAudit(['files'])}, and auditing of the watched folders in their security settings`;
    }
    return trouble;
  }

  async start(rules: RuleSet): Promise<void> {
    this.#open = this.#options.volumes();
    this.#rules = rules;
    this.#choose(rules);
    if (this.#drives.size === 0) throw new Error([...this.#refused.values()].join('; '));
    this.#started = true;
    this.#watcher.start();
    this.#armKeep();
    if (this.#options.log.policy?.files !== false) this.#options.log.begin();
    await this.#follow(rules);
  }

  async setRules(rules: RuleSet): Promise<void> {
    this.#rules = rules;
    this.#choose(rules);
    await this.#follow(rules);
  }

  mounts(): MountState[] {
    const journals = [...this.#drives.keys()].map((drive) => ({
      mount: `${drive}:\\`,
      filesystem: 'NTFS or ReFS',
      method: 'change journal' as const,
    }));
    const watched = this.#watcher.mounts().map((mount) => {
      const note = this.#refused.get(driveOf(mount.mount) ?? '');
      return note === undefined ? mount : { ...mount, note: (mount.note ?? note).slice(0, 300) };
    });
    return [...journals, ...watched];
  }

  async stop(): Promise<void> {
    this.#started = false;
    this.#cancelSettle?.();
    this.#cancelKeep?.();
    for (const drive of [...this.#drives.keys()]) this.#leave(drive);
    await this.#watcher.stop();
  }

  /** Finds out which drives have a journal that can be read. One that had one keeps it, and its place. */
  #choose(rules: RuleSet): void {
    const wanted = new Set(rules.roots().map(driveOf));
    for (const drive of [...this.#drives.keys()]) {
      if (wanted.has(drive)) continue;
      this.#leave(drive);
      // Rules that touch it later begin then: what happened before them is none of theirs.
      this.#options.keep(drive, undefined);
    }
    this.#refused.clear();
    for (const drive of wanted) {
      if (drive === undefined || this.#drives.has(drive)) continue;
      const reason = this.#whyNot(drive);
      if (reason === undefined) this.#drives.set(drive, this.#enter(drive));
      else this.#refused.set(drive, reason);
    }
  }

  #whyNot(drive: string): string | undefined {
    try {
      const volume = this.#open?.(drive);
      const answer = volume?.query();
      volume?.close();
      if (answer === undefined || 'bytes' in answer) return undefined;
      return `drive ${drive}: has no change journal that can be read: error ${answer.error}`;
    } catch (error) {
      return error instanceof Error ? error.message : `drive ${drive}: can't be opened`;
    }
  }

  #enter(drive: string): Drive {
    const { kept, startTimer, events, now } = this.#options;
    const cursor = kept(drive);
    const reader = new JournalReader({
      drive,
      open: (letter) => {
        if (this.#open === undefined) throw new Error('the volumes are closed');
        return this.#open(letter);
      },
      startTimer,
      cursor,
      changes: (changes) => {
        this.#heard(changes);
      },
      lost: (lost: LostChanges) => {
        events.lost(lost);
      },
      failed: (text) => {
        // Started again, it looks anew which drives have a journal.
        if (text !== '' && this.#started) events.failed(text);
      },
    });
    return { reader, places: cursor === undefined ? [] : [{ at: now() - LAG_MS, cursor }] };
  }

  #leave(letter: string): void {
    const drive = this.#drives.get(letter);
    if (drive === undefined) return;
    this.#keepPlace(letter, drive);
    drive.reader.stop();
    this.#drives.delete(letter);
  }

  async #follow(rules: RuleSet): Promise<void> {
    for (const { reader } of this.#drives.values()) reader.start(rules);
    await this.#watcher.setRules(rules);
  }

  /** The canary waits for nothing: it is to show that the journal is read. */
  #heard(changes: readonly RawChange[]): void {
    const { events, log } = this.#options;
    const canary = changes.filter(({ path }) => this.#rules?.isCanary(path) === true);
    const others = canary.length === 0 ? changes : changes.filter((change) => !canary.includes(change));
    if (canary.length > 0) events.changes(canary);
    if (others.length === 0) return;
    if (log.policy?.files === false) {
      events.changes(others.map((change) => ({ ...change, by: NOT_AUDITED })));
      return;
    }
    this.#audited.add(others);
    this.#armSettle();
  }

  #armSettle(): void {
    this.#cancelSettle ??= this.#options.startTimer(SETTLE_MS, () => {
      this.#cancelSettle = undefined;
      void this.#settle();
    });
  }

  /** What came while the log was being read waits for the next reading. */
  async #settle(): Promise<void> {
    await this.#audited.settle();
    if (!this.#audited.isEmpty && this.#started) this.#armSettle();
  }

  #armKeep(): void {
    this.#cancelKeep = this.#options.startTimer(KEEP_MS, () => {
      for (const [letter, drive] of this.#drives) this.#keepPlace(letter, drive);
      this.#armKeep();
    });
  }

  #keepPlace(letter: string, { reader, places }: Drive): void {
    const { now, keep } = this.#options;
    const at = now();
    if (reader.cursor !== undefined) places.push({ at, cursor: reader.cursor });
    const old = places.findLastIndex((place) => place.at <= at - LAG_MS);
    const place = places[old];
    if (place === undefined) return;
    places.splice(0, old);
    keep(letter, place.cursor);
  }
}
