import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { edrRecord } from './record.ts';

/** What was lost since it was last told. Times are ms since the epoch. */
export interface Loss {
  /** How many are known to be lost. */
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** Whether the kernel lost events of which it did not say how many yet. */
  readonly isOpen: boolean;
}

/** Adds up what was lost until somebody can be told. */
export class Losses {
  #pending: Loss | undefined;
  /** Everything that was ever lost. */
  total = 0;

  add(count: number, at: number): void {
    this.total += count;
    const before = this.#pending;
    this.#pending = {
      count: (before?.count ?? 0) + count,
      first: before?.first ?? at,
      last: at,
      isOpen: (before?.isOpen ?? false) || count === 0,
    };
  }

  /** What is to be told, once. */
  take(): Loss | undefined {
    const loss = this.#pending;
    this.#pending = undefined;
    return loss;
  }
}

/** The record that says so. */
export function lossRecord(loss: Loss, id: string, provider: string): UnsealedEdrEvent {
  const [first, last] = [loss.first, loss.last].map((at) => new Date(at).toISOString());
  const more = loss.isOpen && loss.count === 0 ? ', how many is not known' : '';
  return edrRecord({
    id,
    at: loss.last,
    action: 'events_lost',
    provider,
    severity: 'high',
    lost: loss.count,
    reason: `process events were lost between ${first ?? ''} and ${last ?? ''}${more}`,
  });
}
