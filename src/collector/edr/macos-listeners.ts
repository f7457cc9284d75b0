import type { StartTimer } from '../debounce.ts';
import { imageOf } from '../fim/macos/actors.ts';
import type { ProcessPath } from '../macos/process-paths.ts';
import { socketsNow, type HeldSocket } from '../macos/processes.ts';
import { reasonOf } from '../reasons.ts';
import { FIRST_DYNAMIC_PORT } from '../runtime-sample.ts';
import type { ReadContext } from '../table.ts';
import { Looks } from './looks.ts';
import { NewSince } from './new-since.ts';
import { pathTest, type EdrRule } from './rules.ts';
import { listenerParts, type SideParts } from './side-records.ts';

/**
 * From the start of a program to the look for what it listens on, and between two looks, ms. lsof goes through the open files of
 * every process: it never runs more often than the least, and as seldom as the most where no start was heard of meanwhile.
 */
const AFTER_START_MS = 5_000;
const LEAST_MS = 60_000;
const MOST_MS = 300_000;

/** Sockets of one look that are told of. */
const MOST_OPENED = 1_024;

const PROVIDER = 'lsof';

export interface MacosListenersOptions {
  /** `/` of this host. */
  readonly context: ReadContext;
  /** A monotonic clock, ms. */
  readonly monotonic: () => number;
  readonly startTimer: StartTimer;
  /** The path of the executable of a process. */
  readonly pathOf: (pid: number) => ProcessPath;
  /** The name of a uid. */
  readonly nameOf: (uid: number) => string | undefined;
  /** Whether starts of programs are heard of now. */
  readonly hearsStarts: () => boolean;
  readonly opened: (parts: SideParts) => void;
  /** Sockets opened of which nothing is told. */
  readonly lost: (count: number) => void;
}

/** Sockets of macOS that listen and did not at the look before (R201). Those that a first look finds are no news. */
export class MacosListeners {
  readonly #options: MacosListenersOptions;
  readonly #looks: Looks;
  #new = new NewSince(keyOf);
  #rules: readonly EdrRule<'listener_events'>[] = [];
  /** What the look that is under way is compared with. */
  #looking: NewSince<HeldSocket> | undefined;
  #trouble: string | undefined;

  constructor(options: MacosListenersOptions) {
    const { startTimer, monotonic, hearsStarts } = options;
    this.#options = options;
    this.#looks = new Looks({
      ...{ startTimer, now: monotonic },
      afterStartMs: AFTER_START_MS,
      leastMs: LEAST_MS,
      mostMs: () => (hearsStarts() ? MOST_MS : LEAST_MS),
      look: () => void this.#look(),
    });
  }

  /** Why the last look saw nothing; `undefined` where it did. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  setRules(rules: readonly EdrRule<'listener_events'>[]): void {
    this.#rules = rules;
    if (rules.length === 0) this.stop();
    else this.#looks.begin();
  }

  /** A program was started: it may listen soon. */
  started(): void {
    this.#looks.started();
  }

  stop(): void {
    this.#looks.end();
    // What a look that is under way finds is compared with what nobody asks for any more.
    this.#new = new NewSince(keyOf);
    this.#rules = [];
    this.#trouble = undefined;
  }

  async #look(): Promise<void> {
    const news = this.#new;
    if (this.#looking === news) return;
    this.#looking = news;
    try {
      const sockets = await socketsNow(this.#options.context);
      if (news !== this.#new) return;
      this.#trouble = undefined;
      this.#tell(news.of(PROVIDER, sockets.filter(isServer)));
    } catch (error) {
      if (news === this.#new) this.#trouble = reasonOf(error);
    } finally {
      if (this.#looking === news) this.#looking = undefined;
    }
  }

  #tell(opened: readonly HeldSocket[]): void {
    if (opened.length > MOST_OPENED) this.#options.lost(opened.length - MOST_OPENED);
    for (const socket of opened.slice(0, MOST_OPENED)) this.#opened(socket);
  }

  #opened(socket: HeldSocket): void {
    const { pathOf, nameOf, opened } = this.#options;
    const { pid, uid, protocol, address, port } = socket;
    const found = pathOf(pid);
    const path = 'path' in found ? found.path : undefined;
    const rule = this.#rules.find(({ exclude }) => path === undefined || !pathTest(exclude)(path));
    if (rule === undefined) return;
    const transport = protocol.startsWith('tcp') ? 'tcp' : 'udp';
    opened(
      listenerParts({ transport, address, port }, rule, {
        provider: PROVIDER,
        process: { pid, ...(path === undefined ? {} : imageOf(path)) },
        user: uid === undefined ? undefined : userOf(uid, nameOf(uid)),
        reason: 'error' in found ? `its image can't be told: ${found.error}` : undefined,
      }),
    );
  }
}

const userOf = (uid: number, name: string | undefined): { id: string; name?: string } =>
  name === undefined ? { id: String(uid) } : { id: String(uid), name };

/** A UDP socket in the dynamic range is a client's, as in the table `listening_ports`. */
const isServer = ({ protocol, port }: HeldSocket): boolean =>
  port > 0 && (protocol.startsWith('tcp') || port < FIRST_DYNAMIC_PORT);

const keyOf = ({ protocol, address, port, pid }: HeldSocket): string =>
  [protocol, address, port, pid].join('|');
