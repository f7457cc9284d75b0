import type { EdrEvent, EventProcess } from '../../shared/host-events.ts';
import type { StartTimer } from '../debounce.ts';
import type { RawChange } from '../fim/change.ts';
import type { ReadContext } from '../table.ts';
import type { Attributions } from './attribution.ts';
import type { Dropped, DropWatch } from './dropped.ts';
import { ListenerWatch, type OpenedListener } from './listeners.ts';
import { Looks } from './looks.ts';
import type { Waiting } from './outbox.ts';
import { lastSpan, type ProcessEntry } from './process-entry.ts';
import type { ProcessTable } from './process-table.ts';
import { edrRecord } from './record.ts';
import { NO_RULES, pathTest, type EdrRules } from './rules.ts';
import { droppedParts, listenerParts, NO_HOLDER, type SideParts } from './side-records.ts';
import { StartupReports } from './startup-reports.ts';
import type { Users } from './users.ts';

/** From the start of a program to the look at listening sockets, and between two looks without one, ms. */
const AFTER_EXEC_MS = 3_000;
const IDLE_MS = 15_000;

/** Programs started since the last look whose sockets are looked at first. */
const MOST_RECENT = 64;

const RECORD_TEXT = 1_024;

export interface SideOptions {
  readonly table: ProcessTable;
  readonly attributions: Attributions;
  readonly users: Users;
  readonly context: ReadContext;
  readonly startTimer: StartTimer;
  readonly stateFile: string | undefined;
  readonly drops: DropWatch;
  readonly add: (waiting: Waiting) => void;
  readonly newId: () => string;
  /** A process as it is now. */
  readonly find: (pid: number) => ProcessEntry | undefined;
  readonly log: (level: 'warn' | 'debug', message: string) => void;
}

/** What no process event tells of: sockets that listen, what starts programs later, executables in suspect places. */
export class SideReports {
  readonly #options: SideOptions;
  readonly #listeners: ListenerWatch;
  readonly #startup: StartupReports;
  #rules: EdrRules = NO_RULES;
  #recent: number[] = [];
  readonly #looks: Looks;

  constructor(options: SideOptions) {
    this.#options = options;
    this.#listeners = new ListenerWatch(options.context);
    this.#looks = new Looks({
      look: () => {
        this.#lookAtSockets();
      },
      startTimer: options.startTimer,
      now: options.table.clock.monotonic,
      afterStartMs: AFTER_EXEC_MS,
      leastMs: 0,
      mostMs: () => IDLE_MS,
    });
    this.#startup = new StartupReports({
      ...options,
      report: (parts) => {
        this.#report(parts);
      },
    });
  }

  setRules(rules: EdrRules): void {
    this.#rules = rules;
    this.#options.drops.setRules(rules.dropped);
    if (rules.listener.length === 0) this.#endLooks();
    else this.#looks.begin();
    this.#startup.setRules(rules.startup);
  }

  stop(): void {
    this.#endLooks();
    this.#startup.stop();
    this.#options.drops.close();
  }

  problems(): ReturnType<StartupReports['problems']> {
    return this.#startup.problems();
  }

  directories(): string[] {
    return this.#options.drops.folders();
  }

  changed(change: RawChange): void {
    this.#options.drops.changed(change);
  }

  /** A program was started: it may listen soon. */
  executed(pid: number): void {
    if (this.#rules.listener.length === 0) return;
    if (this.#recent.length >= MOST_RECENT) this.#recent.shift();
    this.#recent.push(pid);
    this.#looks.started();
  }

  #endLooks(): void {
    this.#looks.end();
    this.#listeners.reset();
  }

  #lookAtSockets(): void {
    const opened = this.#listeners.look(this.#recent.splice(0).reverse());
    for (const one of opened) this.#opened(one);
  }

  #opened({ listener, pid }: OpenedListener): void {
    const entry = pid === undefined ? undefined : this.#options.find(pid);
    const program = entry === undefined ? undefined : lastSpan(entry).image.program;
    // A path of another mount namespace excludes nothing.
    const path = program?.isPlaced === true ? program.path : undefined;
    const rule = this.#rules.listener.find(({ exclude }) => path === undefined || !pathTest(exclude)(path));
    if (rule === undefined) return;
    this.#report(
      listenerParts(listener, rule, {
        provider: '/proc/net',
        user: this.#options.users.user(listener.uid),
        ...(entry === undefined ? { reason: NO_HOLDER } : this.#processOf(entry)),
      }),
    );
  }

  #processOf(entry: ProcessEntry): {
    process: EventProcess;
    login_user?: EdrEvent['wayfarer']['login_user'];
  } {
    const { attributions } = this.#options;
    const span = lastSpan(entry);
    const { login_user } = attributions.users(entry, span);
    const process = attributions.process(entry, span.image.program);
    return login_user === undefined ? { process } : { process, login_user };
  }

  /** Executables that appeared in suspect places. */
  dropped(found: readonly Dropped[]): void {
    for (const one of found) this.#droppedOne(one);
  }

  #droppedOne(one: Dropped): void {
    const { name } = this.#options.users.user(one.uid);
    this.#report(droppedParts(one, { provider: 'file changes', owner: name, os: 'linux' }));
  }

  /** A record that waits for nothing. */
  #report(parts: SideParts): void {
    const { add, newId, context, table } = this.#options;
    const at = context.now();
    add({
      at: table.clock.monotonic(),
      text: RECORD_TEXT,
      isReady: () => true,
      write: () => edrRecord({ ...parts, id: newId(), at }),
    });
  }
}
