import type { EventProcess } from '../../../shared/host-events.ts';
import type { SensorProblem } from '../../../shared/sensor.ts';
import type { UnsealedEdrEvent } from '../../../wire/event-chain.ts';
import type { StartTimer } from '../../debounce.ts';
import { Looks } from '../looks.ts';
import { edrRecord } from '../record.ts';
import type { EdrRules } from '../rules.ts';
import type { SideParts } from '../side-records.ts';
import type { WindowsCalls } from './calls.ts';
import { NamedMutexes } from './named-mutexes.ts';
import { OpenedSockets } from './opened-sockets.ts';

/** From the start of a program to the look at sockets, and between two looks without one, ms. */
const AFTER_START_MS = 3_000;
const IDLE_MS = 15_000;

export interface WindowsSidesOptions {
  readonly calls: WindowsCalls;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** Ids of records, UUIDs. */
  readonly newId: () => string;
  /** What records of starts said of a process that runs. */
  readonly known: (pid: number) => EventProcess | undefined;
  readonly events: (events: readonly UnsealedEdrEvent[]) => void;
  readonly lost: (reason: string, count: number) => void;
}

/** What no log of Windows tells of (R201): sockets that listen, and mutexes by name. Nothing is asked without a rule. */
export class WindowsSides {
  readonly #options: WindowsSidesOptions;
  readonly #sockets: OpenedSockets;
  readonly #mutexes: NamedMutexes;
  readonly #socketLooks: Looks;
  readonly #mutexLooks: Looks;
  #isOn = false;

  constructor(options: WindowsSidesOptions) {
    const { calls, known, lost } = options;
    this.#options = options;
    this.#sockets = new OpenedSockets({
      ...{ calls, known },
      lost: (count) => {
        lost('more sockets opened than could be looked at', count);
      },
    });
    this.#mutexes = new NamedMutexes({
      objects: calls.objects,
      lost: (count) => {
        lost('more mutexes were found than could be told', count);
      },
    });
    this.#socketLooks = this.#looksAt(() => this.#sockets.look());
    this.#mutexLooks = this.#looksAt(() => this.#mutexes.look());
  }

  /** Whether anybody wants to hear of them. */
  get isOn(): boolean {
    return this.#isOn;
  }

  setRules({ listener, mutex }: Pick<EdrRules, 'listener' | 'mutex'>): void {
    this.#isOn = listener.length > 0 || mutex.length > 0;
    this.#sockets.setRules(listener);
    this.#mutexes.setRules(mutex);
    if (listener.length > 0) this.#socketLooks.begin();
    else this.#endSockets();
    if (mutex.length > 0) this.#mutexLooks.begin();
    else this.#endMutexes();
  }

  /** A program was started: it may listen soon. */
  started(): void {
    this.#socketLooks.started();
  }

  stop(): void {
    this.#endSockets();
    this.#endMutexes();
  }

  problems(): { readonly code: SensorProblem; readonly text: string }[] {
    const [sockets, mutexes] = [this.#sockets.trouble, this.#mutexes.trouble];
    return [
      ...(sockets === undefined ? [] : [incomplete(`sockets that listen are not all seen: ${sockets}`)]),
      ...(mutexes === undefined ? [] : [incomplete(`mutexes are not all seen: ${mutexes}`)]),
    ];
  }

  #endSockets(): void {
    this.#socketLooks.end();
    this.#sockets.reset();
  }

  #endMutexes(): void {
    this.#mutexLooks.end();
    this.#mutexes.reset();
  }

  #looksAt(look: () => SideParts[]): Looks {
    const { startTimer, now } = this.#options;
    return new Looks({
      ...{ startTimer, now },
      afterStartMs: AFTER_START_MS,
      leastMs: 0,
      mostMs: () => IDLE_MS,
      look: () => {
        this.#tell(look());
      },
    });
  }

  #tell(found: readonly SideParts[]): void {
    const { events, newId, now } = this.#options;
    if (found.length > 0) events(found.map((parts) => edrRecord({ ...parts, id: newId(), at: now() })));
  }
}

const incomplete = (text: string): { readonly code: SensorProblem; readonly text: string } => ({
  code: 'EDR_INCOMPLETE',
  text,
});
