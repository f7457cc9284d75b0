import type { EdrEvent, FimEvent } from '../../shared/host-events.ts';
import { hashHolds } from '../../wire/event-chain.ts';

/** The newest record before the one that is looked at; sequence 0 and `CHAIN_START` before the first. */
export interface Standing {
  readonly sequence: number;
  readonly hash: string;
}

/**
 * Why a record does not follow: `hash` (it was changed), `sequence` (something is missing, twice there or late), `previous` (its
 * predecessor is another one), `content` (its id is stored with other content). `restarted` is no fault of a record: the host
 * began a new chain, as it does when its ledger had to be built anew.
 */
export type FaultKind = 'hash' | 'sequence' | 'previous' | 'content' | 'restarted';

/** A fault with what was expected and what was there: sequence numbers, hashes or ids of chains. */
export interface Fault {
  readonly kind: FaultKind;
  readonly expected: string;
  readonly found: string;
}

/**
 * Whether a record follows the newest one of its chain. `declared` is how many records the gaps say were dropped on the host
 * since then; a jump of exactly that many is no fault. Where a chain begins (`opens`) part of them may belong to the chain before.
 */
export function linkFault(
  record: FimEvent | EdrEvent,
  before: Standing,
  declared: number,
  opens: boolean,
): Fault | undefined {
  const { sequence, previous } = record.wayfarer.chain;
  const missing = sequence - before.sequence - 1;
  if (missing === 0 && (opens || declared === 0)) {
    return previous === before.hash
      ? undefined
      : { kind: 'previous', expected: before.hash, found: previous };
  }
  if (missing > 0 && (opens ? missing <= declared : missing === declared)) return undefined;
  return {
    kind: 'sequence',
    expected: String(before.sequence + 1 + (opens ? 0 : declared)),
    found: String(sequence),
  };
}

/** The fault of a record whose hash is not its own; one that has no canonical form (lone surrogates) is among them. */
export function hashFault(raw: FimEvent | EdrEvent): Fault | undefined {
  try {
    if (hashHolds(raw)) return undefined;
  } catch {
    // What can't be hashed has not the hash that it says.
  }
  return { kind: 'hash', expected: 'the hash of its content', found: raw.event.hash };
}
