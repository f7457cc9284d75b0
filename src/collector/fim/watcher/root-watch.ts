import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Debounce, type StartTimer } from '../../debounce.ts';
import { hostPathBytes } from '../../text.ts';
import { CHANGE, type Attribution, type LostChanges, type RawChange } from '../change.ts';
import type { RuleSet } from '../rule-set.ts';
import { lookBelow } from './excluded.ts';
import { lookAt, placeOf, type Place } from './place.ts';
import type { EndWatch, Told, WatchPort } from './subscribe.ts';

/** Quiet time before a tree with directories that are not watched yet is watched anew, and the longest wait for it, ms. */
const AGAIN = { quietMs: 1_000, maxMs: 10_000 };

/**
 * Paths in one batch from which on the kernel's queue (16,384 events by default, inotify(7)) may have been full: the
 * library does not tell that it was.
 */
const BURST = 1_000;

/** What stands in a name for bytes that are no UTF-8: the library can't give them. */
const REPLACED = '\ufffd';

/** How one root is watched, or why it is not. */
export interface RootState {
  readonly state: 'watched' | 'absent' | 'limit' | 'failed';
  readonly reason?: string;
}

export interface RootWatchOptions {
  readonly root: string;
  readonly rules: RuleSet;
  readonly port: WatchPort;
  readonly by: Attribution;
  readonly now: () => number;
  readonly startTimer: StartTimer;
  readonly changes: (changes: readonly RawChange[]) => void;
  readonly lost: (lost: LostChanges) => void;
  /** Directories that are not to be entered, whatever the rules say. */
  readonly foreign?: (path: string) => boolean;
}

/**
 * Watches one root through what is made of it: the tree where it is a directory that a rule enters, its own entries where
 * no rule goes deeper, its name in the parent where it is a file, a link or not there yet.
 */
export class RootWatch {
  readonly #options: RootWatchOptions;
  readonly #again: Debounce;
  #state: RootState = { state: 'absent' };
  #place: Place | undefined;
  #end: EndWatch | undefined;
  /** Looks follow one another, so that no two open at once. */
  #turn: Promise<void> = Promise.resolve();
  #looked = false;
  #closed = false;

  constructor(options: RootWatchOptions) {
    this.#options = options;
    this.#again = new Debounce({
      ...AGAIN,
      startTimer: options.startTimer,
      fire: () => void this.look(true),
    });
  }

  get state(): RootState {
    return this.#state;
  }

  get root(): string {
    return this.#options.root;
  }

  /**
   * Sees to it that what stands at the root now is watched; `anew` even where it is. Whatever could have been missed since
   * the look before is told as lost. Never rejects.
   */
  look(anew = false): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look(anew));
    return this.#turn;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#again.cancel();
    this.#turn = this.#turn.then(() => this.#stop());
    return this.#turn;
  }

  async #look(anew: boolean): Promise<void> {
    if (this.#closed) return;
    const place = placeOf(this.#options.root);
    const changed = place?.identity !== this.#place?.identity;
    if (this.#end !== undefined && !changed && !anew) {
      // What broke stays so until it is watched anew.
      if (!isBroken(this.#state)) this.#state = stateAt(this.#options.root, place);
      return;
    }
    this.#again.cancel();
    await this.#stop();
    this.#place = place;
    await this.#open(place);
    if (this.#looked && (changed || this.#end !== undefined)) this.#lost('restart', [this.#options.root]);
    this.#looked = true;
  }

  async #stop(): Promise<void> {
    const end = this.#end;
    this.#end = undefined;
    await end?.();
  }

  async #open(place: Place | undefined): Promise<void> {
    if (place === undefined) {
      this.#state = { state: 'absent' };
      return;
    }
    try {
      this.#end = await this.#watch(place);
      this.#state = stateAt(this.#options.root, place);
    } catch (error) {
      this.#state = stateOf(error);
    }
  }

  async #watch(place: Place): Promise<EndWatch> {
    const { root, rules, port, foreign } = this.#options;
    if (place.only !== undefined) return this.#watchEntries(place);
    if (typeof hostPathBytes(root) !== 'string') throw new Error('its name is not valid UTF-8');
    const { excluded, deep } = await lookBelow(root, rules, foreign);
    if (!deep && !takesNewDirectories(rules, root)) return this.#watchEntries(place);
    const hear = {
      heard: (told: readonly Told[]) => {
        this.#heard(told);
      },
      broke: (error: Error) => {
        this.#broke(error);
      },
    };
    return port.tree(root, excluded, hear);
  }

  #watchEntries({ directory, only }: Place): EndWatch {
    const end = this.#options.port.entries(
      directory,
      (name, renamed) => {
        if (only === undefined || name === only) this.#entry(join(directory, name), renamed);
      },
      (error) => {
        this.#broke(error);
      },
    );
    return () => {
      end();
      return Promise.resolve();
    };
  }

  #entry(path: string, renamed: boolean): void {
    const there = lookAt(path);
    const type = there === undefined ? 'delete' : renamed ? 'create' : 'update';
    this.#tell([{ type, path }]);
    // The root may have become a directory or be one no more; a directory on the way to another root may have come.
    const { root, rules } = this.#options;
    if (path === root) void this.look();
    else if (type === 'create' && there?.isDirectory() === true && rules.entersDirectory(path))
      void this.look(true);
  }

  #heard(told: readonly Told[]): void {
    if (this.#closed) return;
    const named = told.filter(({ path }) => !path.includes(REPLACED));
    const unnamed = told.filter(({ path }) => path.includes(REPLACED));
    const walk = new Set(unnamed.map(({ path }) => this.#clean(path)));
    for (const { type, path } of named) if (type === 'create') this.#newDirectory(path, walk);
    this.#tell(named);
    if (walk.size > 0) this.#lost('error', [...walk]);
    if (told.length >= BURST) this.#lost('overflow', [this.#options.root]);
    if (named.some(({ type, path }) => type === 'delete' && path === this.#options.root))
      void this.look(true);
  }

  /** What was made in a new directory before it was watched is found by a walk; directories in it are never watched. */
  #newDirectory(path: string, walk: Set<string>): void {
    if (lookAt(path)?.isDirectory() !== true) return;
    if (!this.#options.rules.entersDirectory(path)) return;
    walk.add(path);
    if (hasDirectory(path) || !this.#canBeWatched(path)) this.#again.event();
  }

  /** Whether one more watch is to be had: the library says nothing where it could not add one. */
  #canBeWatched(path: string): boolean {
    try {
      this.#options.port.entries(path, ignore, ignore)();
      return true;
    } catch {
      return false;
    }
  }

  /** The nearest directory above whose name is known. */
  #clean(path: string): string {
    return dirname(path.slice(0, path.indexOf(REPLACED) + 1));
  }

  #tell(told: readonly Told[]): void {
    const { rules, by } = this.#options;
    const at = this.#options.now();
    const changes = told.flatMap(({ type, path }) => {
      const directory = lookAt(path)?.isDirectory() === true;
      const isWanted =
        rules.isCanary(path) || rules.rulesFor(path, directory || type === 'delete').length > 0;
      if (!isWanted) return [];
      return [{ path, what: BITS[type], directory, at, by }];
    });
    if (changes.length > 0) this.#options.changes(changes);
  }

  #broke(error: Error): void {
    if (this.#closed) return;
    this.#state = stateOf(error);
    this.#again.event();
  }

  #lost(reason: LostChanges['reason'], below: readonly string[]): void {
    if (!this.#closed) this.#options.lost({ reason, below });
  }
}

const ignore = (): void => undefined;

/** A watcher does not tell writing from a change of attributes, and tells a move as an end and a beginning. */
const BITS: Readonly<Record<Told['type'], number>> = {
  create: CHANGE.created | CHANGE.modified,
  update: CHANGE.modified | CHANGE.attributes,
  delete: CHANGE.deleted,
};

/** A directory of any name that is made later: whether a rule would enter it. */
function takesNewDirectories(rules: RuleSet, root: string): boolean {
  return rules.entersDirectory(join(root, '\u0001'));
}

function hasDirectory(path: string): boolean {
  try {
    return readdirSync(hostPathBytes(path), { withFileTypes: true }).some((entry) => entry.isDirectory());
  } catch {
    return false;
  }
}

/** The state of a root that is watched: as one of a directory's entries it may come and go. */
function stateAt(root: string, place: Place | undefined): RootState {
  const isThere = place?.only === undefined || lookAt(root) !== undefined;
  return { state: isThere ? 'watched' : 'absent' };
}

const isBroken = ({ state }: RootState): boolean => state === 'limit' || state === 'failed';

/** ENOSPC from inotify_add_watch(2): the user has as many watches as the system allows. */
function stateOf(error: unknown): RootState {
  const reason = error instanceof Error ? error.message : String(error);
  const limit = /ENOSPC|No space left on device/.test(reason);
  return { state: limit ? 'limit' : 'failed', reason: reason.slice(0, 200) };
}
