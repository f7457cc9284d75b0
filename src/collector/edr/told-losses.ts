import type { StartTimer } from '../debounce.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { edrRecord } from './record.ts';

/** Between two tellings of what was lost, ms. */
const TELL_MS = 5_000;

export interface ToldLossesOptions {
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly startTimer: StartTimer;
  readonly newId: () => string;
  readonly provider: string;
  /** Whether anybody wants to hear of process events now. */
  readonly isWanted: () => boolean;
  readonly events: (events: readonly UnsealedEdrEvent[]) => void;
}

/** Adds up what was lost by its reasons, and tells of each reason once for all that comes meanwhile. */
export class ToldLosses {
  readonly #options: ToldLossesOptions;
  /** How many by reason; 0 where nobody knows. */
  readonly #pending = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #total = 0;

  constructor(options: ToldLossesOptions) {
    this.#options = options;
  }

  /** All that was ever lost; a loss of which the number is not known counts as one. */
  get total(): number {
    return this.#total;
  }

  /** `count` is left out where it is not known. */
  add(reason: string, count?: number): void {
    this.#total += count ?? 1;
    this.#pending.set(reason, (this.#pending.get(reason) ?? 0) + (count ?? 0));
    this.#cancel ??= this.#options.startTimer(TELL_MS, () => {
      this.tell();
    });
  }

  /** Tells what waits now. */
  tell(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const { isWanted, now, provider, newId, events } = this.#options;
    const records = [...this.#pending].map(([reason, count]) =>
      // How many of them were of processes is not known: the number stands in the text alone.
      edrRecord({
        ...{ id: newId(), at: now(), action: 'events_lost', provider },
        // That of what could not be seen: unknown, so high.
        severity: 'high',
        reason: count === 0 ? reason : `${reason}: ${String(count)}`,
      }),
    );
    this.#pending.clear();
    if (records.length > 0 && isWanted()) events(records);
  }
}
