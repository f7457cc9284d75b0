import type { MountState } from '../../../shared/sensor.ts';
import type { StartTimer } from '../../debounce.ts';
import { encodeHostText } from '../../text.ts';
import type { FileWatcher } from '../file-watcher.ts';
import { fileWatcherFor } from '../file-watcher-source.ts';
import { isWithin } from '../ledger/host-path.ts';
import type { RuleSet } from '../rule-set.ts';
import type { ChangeSource, SourceEvents } from '../source.ts';
import type { WatchPort } from '../watcher/subscribe.ts';
import { FanotifySource, type FanotifyOptions } from './source.ts';

export interface LinuxSourceOptions extends Omit<FanotifyOptions, 'events'> {
  readonly startTimer: StartTimer;
  /** Sources that can be read now are put in here, and taken out when they stop. */
  readonly readers: Set<FanotifySource>;
  readonly events: SourceEvents;
  /** For the mounts that take no mark; the host's own unless a test brings one. */
  readonly port?: WatchPort;
}

/**
 * Changes of files on Linux (R208): from fanotify, and through the file watcher on the mounts that take none of its marks.
 * The watcher begins by itself, as its walk of a large mount may take long; what changed until it listens is told as lost.
 */
export class LinuxSource implements ChangeSource {
  readonly provider = 'fanotify';
  readonly actors = 'known';
  readonly #options: LinuxSourceOptions;
  readonly #watcher: FileWatcher;
  #fanotify: FanotifySource | undefined;
  #rules: RuleSet | undefined;
  /** Where the watcher is to stand in, as it was last told. */
  #unmarked: readonly string[] = [];

  constructor(options: LinuxSourceOptions) {
    const { now, startTimer, events, port } = options;
    this.#options = options;
    this.#watcher = fileWatcherFor(
      events,
      { os: 'linux', now, startTimer, port },
      { roots: () => this.#unmarked },
    );
  }

  /** Throws with the reason where fanotify can't be had. */
  start(rules: RuleSet): void {
    const { events, readers, ...parts } = this.#options;
    const opened = new FanotifySource(
      {
        ...parts,
        events: {
          ...events,
          mountsChanged: () => {
            this.#standIn(false);
            events.mountsChanged();
          },
        },
      },
      rules,
    );
    opened.start();
    this.#fanotify = opened;
    this.#rules = rules;
    readers.add(opened);
    this.#standIn(true);
  }

  setRules(rules: RuleSet): void {
    this.#rules = rules;
    this.#fanotify?.setRules(rules);
    this.#standIn(true);
  }

  mounts(): MountState[] {
    const watched = this.#watcher.mounts();
    return (this.#fanotify?.mounts() ?? []).map((state) =>
      state.method === 'file watcher' ? asWatched(state, watched) : state,
    );
  }

  async stop(): Promise<void> {
    const fanotify = this.#fanotify;
    this.#fanotify = undefined;
    this.#unmarked = [];
    if (fanotify !== undefined) this.#options.readers.delete(fanotify);
    fanotify?.stop();
    await this.#watcher.stop();
  }

  /** Has the watcher follow what fanotify can't mark now; `anew` also where that is the same, for other rules. */
  #standIn(anew: boolean): void {
    if (this.#fanotify === undefined || this.#rules === undefined) return;
    const before = this.#unmarked;
    const unmarked = this.#fanotify.unmarked();
    if (unmarked.length === 0 && before.length === 0) return;
    if (!anew && unmarked.join('\0') === before.join('\0')) return;
    this.#unmarked = unmarked;
    this.#watcher.start();
    void this.#watcher.setRules(this.#rules).then(() => {
      // Another call may have come meanwhile, whose own end says this.
      if (this.#unmarked !== unmarked || unmarked.length === 0) return;
      this.#options.events.lost({ reason: 'mount', below: unmarked });
      this.#options.events.mountsChanged();
    });
  }
}

/** A mount that takes no mark, by how the watcher fares on it. */
function asWatched(state: MountState, watched: readonly MountState[]): MountState {
  const mount = encodeHostText(state.mount, 'linux');
  const mine = watched.filter((root) => isWithin(mount, root.mount, 'linux'));
  const bad = mine.find(({ method }) => method !== 'file watcher');
  if (mine.length > 0 && bad === undefined) return state;
  const note = [state.note, bad?.note ?? 'no watcher stands in'].filter((part) => part !== undefined);
  return { ...state, method: 'rescan only', note: note.join('; ').slice(0, 300) };
}
