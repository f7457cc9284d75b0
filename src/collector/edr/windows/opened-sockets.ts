import type { EventProcess } from '../../../shared/host-events.ts';
import { FIRST_DYNAMIC_PORT } from '../../runtime-sample.ts';
import { reasonOf } from '../../reasons.ts';
import { NewSince } from '../new-since.ts';
import { imageOf, pathPatterns } from '../reported.ts';
import type { EdrRule } from '../rules.ts';
import { listenerParts, NO_HOLDER, type SideParts } from '../side-records.ts';
import type { WindowsCalls } from './calls.ts';
import { SOCKET_TABLES, type OwnedSocket, type SocketTable } from './socket-tables.ts';

/** Sockets of one look that are told of, each with a question for who holds it. */
const MOST_OPENED = 1_024;

const PROVIDER = 'iphlpapi';

/** `ERROR_INVALID_PARAMETER` (winerror.h): no process has that number. */
const NO_PROCESS = 87;

export interface OpenedSocketsOptions {
  readonly calls: Pick<WindowsCalls, 'sockets' | 'image'>;
  /** What records of starts said of a process that runs. */
  readonly known: (pid: number) => EventProcess | undefined;
  /** Sockets opened of which nothing is told. */
  readonly lost: (count: number) => void;
}

/** Who holds a socket, as far as that is known; `path` is that of its image, for the patterns of rules. */
interface Holder {
  readonly path?: string;
  readonly process?: EventProcess;
  readonly reason?: string;
}

interface Compiled {
  readonly rule: EdrRule<'listener_events'>;
  readonly excludes: (path: string) => boolean;
}

/** Sockets of Windows that listen and did not at the look before. Those that a first look finds are no news. */
export class OpenedSockets {
  readonly #options: OpenedSocketsOptions;
  readonly #new = new NewSince(keyOf);
  #rules: readonly Compiled[] = [];
  #trouble: string | undefined;

  constructor(options: OpenedSocketsOptions) {
    this.#options = options;
  }

  /** Why the last look did not see all; `undefined` where it did. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  setRules(rules: readonly EdrRule<'listener_events'>[]): void {
    this.#rules = rules.map((rule) => ({ rule, excludes: pathPatterns(rule.exclude, 'win32') }));
  }

  /** Forgets what was there: the next look is a first one. */
  reset(): void {
    this.#new.reset();
    this.#trouble = undefined;
  }

  look(): SideParts[] {
    this.#trouble = undefined;
    const opened = SOCKET_TABLES.flatMap((table) => this.#opened(table));
    if (opened.length > MOST_OPENED) this.#options.lost(opened.length - MOST_OPENED);
    return opened
      .slice(0, MOST_OPENED)
      .map((socket) => this.#parts(socket))
      .filter((parts) => parts !== undefined);
  }

  #opened(table: SocketTable): OwnedSocket[] {
    try {
      return this.#new.of(table, this.#options.calls.sockets(table).filter(isServer));
    } catch (error) {
      this.#trouble ??= `the table ${table}: ${error instanceof Error ? error.message : reasonOf(error)}`;
      return [];
    }
  }

  #parts(socket: OwnedSocket): SideParts | undefined {
    const { path, process, reason } = this.#holder(socket.pid);
    const rule = this.#rules.find(({ excludes }) => path === undefined || !excludes(path))?.rule;
    if (rule === undefined) return undefined;
    return listenerParts(socket, rule, { provider: PROVIDER, process, reason });
  }

  /** Windows itself says what runs under the number now; a record of a start may be of another process that had it before. */
  #holder(pid: number): Holder {
    if (pid === 0) return { reason: NO_HOLDER };
    const image = this.#options.calls.image(pid);
    const known = this.#options.known(pid);
    if ('path' in image) {
      const { path } = image;
      const named = imageOf(path);
      const isSame = known?.executable?.toLowerCase() === named.executable.toLowerCase();
      return { path, process: isSame ? known : { pid, ...named } };
    }
    // It ended meanwhile: then the last start under its number was its own.
    if (image.error === NO_PROCESS && known !== undefined) return { process: known };
    return { process: { pid }, reason: `its image can't be told: error ${String(image.error)}` };
  }
}

/** A UDP socket in the dynamic range is a client's, as in the table `listening_ports`. */
const isServer = ({ transport, port }: OwnedSocket): boolean =>
  port > 0 && (transport === 'tcp' || port < FIRST_DYNAMIC_PORT);

const keyOf = ({ transport, address, port, pid }: OwnedSocket): string =>
  [transport, address, port, pid].join('|');
