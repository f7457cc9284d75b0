import { severityNumber, type EventStream } from '../../../shared/host-events.ts';
import type { UnsealedEdrEvent, UnsealedFimEvent } from '../../../wire/event-chain.ts';
import type { LedgerStore } from './store.ts';

/** Process events that wait for the disk in memory; more are counted. */
const MOST_WAITING = 10_000;
/** Sealed in one go: some 20 ms. */
const AT_ONCE = 500;
/** Where the count of lost events is kept until it is reported. */
const LOST = 'edr.lost';

/** An event of a process, or of a value of the registry. */
type Unsealed = UnsealedEdrEvent | UnsealedFimEvent;

/**
 * Process events on their way into the spool. They can't be found again later as files can, so that what there is no room
 * for is counted, and the count becomes an event as soon as there is room.
 */
export class ProcessIntake {
  readonly #newId: () => string;
  #waiting: Unsealed[] = [];
  #sealed: Unsealed[] = [];
  /** Lost since the count that the ledger holds. */
  #lost = 0;
  #lostSealed = 0;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#lost === 0;
  }

  add(events: readonly Unsealed[]): void {
    const room = Math.max(0, MOST_WAITING - this.#waiting.length);
    this.#waiting.push(...events.slice(0, room));
    this.#lost += Math.max(0, events.length - room);
  }

  /** Gives those that wait their place in their chains, in the open transaction; `at` is ms since the epoch. Returns the stream of each. */
  seal(store: LedgerStore, at: number): EventStream[] {
    const batch = this.#waiting.slice(0, AT_ONCE);
    let lost = (store.meta.number(LOST) ?? 0) + this.#lost;
    const sealed: EventStream[] = [];
    for (const event of batch) {
      if (store.spool.isFull) lost += 1;
      else {
        const stream = event.event.module;
        store.spool.append(stream, event, Date.parse(event['@timestamp']));
        sealed.push(stream);
      }
    }
    if (lost > 0 && !store.spool.isFull) {
      store.spool.append('edr', this.#gap(lost, at), at);
      sealed.push('edr');
      lost = 0;
    }
    if (lost > 0 || store.meta.get(LOST) !== undefined) store.meta.set(LOST, String(lost));
    this.#waiting.splice(0, batch.length);
    this.#sealed.push(...batch);
    this.#lostSealed += this.#lost;
    this.#lost = 0;
    return sealed;
  }

  committed(): void {
    this.#sealed = [];
    this.#lostSealed = 0;
  }

  rolledBack(): void {
    this.#waiting = [...this.#sealed, ...this.#waiting];
    this.#lost += this.#lostSealed;
    this.committed();
  }

  #gap(lost: number, at: number): UnsealedEdrEvent {
    return {
      '@timestamp': new Date(at).toISOString(),
      event: {
        id: this.#newId(),
        kind: 'event',
        module: 'edr',
        category: ['process'],
        type: ['info'],
        action: 'events_lost',
        severity: severityNumber('high'),
        provider: 'ledger',
      },
      wayfarer: { severity: 'high', lost, reason: 'there was no room for events on their way to the queue' },
    };
  }
}
