import { readFileSync } from 'node:fs';
import type { MountState } from '../../shared/sensor.ts';
import type { StartTimer } from '../debounce.ts';
import type { Os } from '../table.ts';
import { encodeHostText } from '../text.ts';
import type { LostChanges, RawChange } from './change.ts';
import { isRemote, REMOTE_REASON, remoteMountOf } from './linux/filesystem-kinds.ts';
import { MountTable } from './linux/mount-table.ts';
import type { RuleSet } from './rule-set.ts';
import { unknownActor } from './unknown-actor.ts';
import { lookAt } from './watcher/place.ts';
import { RootWatch, type RootState } from './watcher/root-watch.ts';
import { systemWatchers, type WatchPort } from './watcher/subscribe.ts';

/** How often it is looked whether each root is still what it was, ms; and how often one that failed is tried again. */
const LOOK_MS = 5_000;
const LOOKS_BEFORE_RETRY = 12;

const BY = unknownActor('the file watcher does not tell who made a change');

export interface FileWatcherOptions {
  readonly os: Os;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly startTimer: StartTimer;
  readonly changes: (changes: readonly RawChange[]) => void;
  readonly lost: (lost: LostChanges) => void;
  /** Called when the first root fails and, with an empty text, when all are well again. */
  readonly failed: (text: string) => void;
  readonly port?: WatchPort;
  /** Which roots are to be watched here; without it, all of them. */
  readonly covers?: (root: string) => boolean;
  /** Where to watch for rules, where that is on single mounts alone; without it, at their roots and all that is below. */
  readonly roots?: () => readonly string[];
  /** The mounts of the host, on Linux; its own unless a test brings them. */
  readonly mountTable?: () => MountTable;
}

/**
 * The source of changes where the kernel names no actor: Linux without root, macOS without Full Disk Access, Windows
 * (R208). One watch per root of the rules. What the watchers are known not to tell (a full queue, names that are no UTF-8,
 * directories made inside new ones) is told as lost, so that it is found by a walk.
 */
export class FileWatcher {
  readonly #options: FileWatcherOptions;
  #roots: RootWatch[] = [];
  /** Roots of which nothing may be asked: a call could wait for ever. */
  #remote: readonly string[] = [];
  #cancelLook: (() => void) | undefined;
  #looks = 0;
  #failing = false;

  constructor(options: FileWatcherOptions) {
    this.#options = options;
  }

  /** Looks after the roots from now on. */
  start(): void {
    this.#cancelLook ??= this.#options.startTimer(LOOK_MS, () => {
      this.#cancelLook = undefined;
      void this.#lookAfter();
      this.start();
    });
  }

  /**
   * What to watch from now on. Resolves once all roots that are there are watched: a walk that begins then misses nothing.
   * Never rejects; `mounts` says what could not be watched.
   */
  async setRules(rules: RuleSet): Promise<void> {
    const old = this.#roots;
    const { covers = () => true, roots = () => rules.roots() } = this.#options;
    const table = this.#mountTable();
    const isOnServer = (root: string): boolean =>
      table !== undefined && remoteMountOf(root, table) !== undefined;
    const wanted = roots();
    this.#remote = wanted.filter(isOnServer);
    this.#roots = topmost(
      rules,
      wanted.filter((root) => !isOnServer(root)),
    )
      .filter(covers)
      .map((root) => this.#watch(root, rules, table));
    await Promise.all(old.map((root) => root.close()));
    await Promise.all(this.#roots.map((root) => root.look()));
    this.#report();
  }

  async stop(): Promise<void> {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    const roots = this.#roots;
    this.#roots = [];
    this.#remote = [];
    await Promise.all(roots.map((root) => root.close()));
  }

  /** How each root is watched. */
  mounts(): MountState[] {
    if (this.#roots.length + this.#remote.length === 0) return [];
    const mounts = this.#mountTable();
    const place = (root: string): Pick<MountState, 'mount' | 'filesystem'> => ({
      mount: encodeHostText(root, this.#options.os),
      filesystem: mounts?.mountOf(root)?.type ?? 'unknown',
    });
    return [
      ...this.#roots.map(({ root, state }) => ({
        ...place(root),
        ...METHODS[state.state],
        ...noteOf(state),
      })),
      ...this.#remote.map((root) => ({
        ...place(root),
        method: 'rescan only' as const,
        note: REMOTE_REASON,
      })),
    ];
  }

  #mountTable(): MountTable | undefined {
    const { os, mountTable = ownMounts } = this.#options;
    return os === 'linux' ? mountTable() : undefined;
  }

  #watch(root: string, rules: RuleSet, table: MountTable | undefined): RootWatch {
    const { now, startTimer, changes, lost, port = systemWatchers, roots } = this.#options;
    // On single mounts, what is mounted below has a source of its own.
    const closed = (table?.mounts ?? []).filter(({ type }) => roots !== undefined || isRemote(type));
    const points = new Set(closed.map(({ point }) => point));
    const foreign = (path: string): boolean => points.has(path);
    return new RootWatch({ root, rules, port, by: BY, now, startTimer, changes, lost, foreign });
  }

  async #lookAfter(): Promise<void> {
    this.#looks += 1;
    const retry = this.#looks % LOOKS_BEFORE_RETRY === 0;
    const due = this.#roots.filter(({ state }) => retry || !isBad(state));
    await Promise.all(due.map((root) => root.look()));
    this.#report();
  }

  #report(): void {
    const bad = this.#roots.filter(({ state }) => isBad(state));
    if (bad.length > 0 === this.#failing) return;
    this.#failing = bad.length > 0;
    const [first] = bad;
    this.#options.failed(first === undefined ? '' : `${first.root}: ${textOf(first.state)}`);
  }
}

const isBad = ({ state }: RootState): boolean => state === 'limit' || state === 'failed';

const METHODS: Readonly<Record<RootState['state'], Pick<MountState, 'method'>>> = {
  watched: { method: 'file watcher' },
  // Its parent is looked after, so that it is heard of when it comes.
  absent: { method: 'file watcher' },
  limit: { method: 'rescan only' },
  failed: { method: 'rescan only' },
};

const LIMIT =
  'the limit of inotify watches is reached; raise fs.inotify.max_user_watches with sysctl, or narrow the rule';

function textOf({ state, reason }: RootState): string {
  if (state === 'limit') return LIMIT;
  return state === 'absent' ? 'does not exist yet' : `can't be watched: ${reason ?? 'unknown error'}`;
}

function noteOf(state: RootState): { note?: string } {
  return state.state === 'watched' ? {} : { note: textOf(state).slice(0, 300) };
}

/** Roots without those that the watch of another one covers. */
function topmost(rules: RuleSet, roots: readonly string[]): string[] {
  const trees = roots.filter((root) => lookAt(root)?.isDirectory() === true);
  return roots.filter((root) => !trees.some((tree) => covers(rules, tree, root)));
}

/** Whether `root` is below `tree` and every directory on the way is entered, so that none of them is ignored. */
function covers(rules: RuleSet, tree: string, root: string): boolean {
  const separator = root.includes('\\') ? '\\' : '/';
  const prefix = tree.endsWith(separator) ? tree : tree + separator;
  if (root === tree || !root.startsWith(prefix) || rules.interest(tree).entries !== 'all') return false;
  for (let end = root.lastIndexOf(separator); end > tree.length; end = root.lastIndexOf(separator, end - 1)) {
    const between = root.slice(0, end);
    if (lookAt(between)?.isDirectory() === false || !rules.entersDirectory(between)) return false;
  }
  return true;
}

/** The mounts of this host; none where there is no mountinfo. */
function ownMounts(): MountTable {
  try {
    return new MountTable(readFileSync('/proc/self/mountinfo'));
  } catch {
    return new MountTable(new Uint8Array());
  }
}
