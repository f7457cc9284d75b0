import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { EdrEvent, FimEvent } from '../shared/host-events.ts';

/*
 * The chain that ties the events of one stream of one host together, so that a record that was changed, removed or put in
 * between shows: each carries the hash of the one before and its own. A record is hashed as canonical JSON (RFC 8785)
 * without the field `event.hash`.
 */

/** What the first record of a chain has for the hash before. */
export const CHAIN_START = '0'.repeat(64);

/** The newest record of a chain; sequence 0 and `CHAIN_START` before the first. */
export interface ChainHead {
  readonly id: string;
  readonly sequence: number;
  readonly hash: string;
}

type Unsealed<E extends FimEvent | EdrEvent> = Omit<E, 'event' | 'wayfarer'> & {
  readonly event: Omit<E['event'], 'hash'>;
  readonly wayfarer: Omit<E['wayfarer'], 'chain'>;
};
/** A record before it has its place in the chain. */
export type UnsealedFimEvent = Unsealed<FimEvent>;
export type UnsealedEdrEvent = Unsealed<EdrEvent>;

/** A record in its place: canonical JSON, and the head that it makes. */
export interface Sealed {
  readonly body: string;
  readonly head: ChainHead;
}

function canonical(record: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(record);
  } catch (error) {
    throw new TypeError("an event holds what JSON can't say", { cause: error });
  }
  if (text === undefined) throw new TypeError('an event must be an object');
  return text;
}

const hashOf = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/**
 * Gives a record its place behind `head`. Throws `TypeError` on what JSON can't say (NaN, lone surrogates). The body and what is
 * hashed differ in `event` alone, so that all other members become text once.
 */
export function sealEvent(record: UnsealedFimEvent | UnsealedEdrEvent, head: ChainHead): Sealed {
  const sequence = head.sequence + 1;
  const chain = { id: head.id, sequence, previous: head.hash };
  const { event, ...others } = { ...record, wayfarer: { ...record.wayfarer, chain } };
  const texts = new Map(
    Object.entries(others)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, canonical(value)]),
  );
  const names = [...texts.keys(), 'event'].sort();
  const textWith = (eventText: string): string =>
    `{${names.map((name) => `${JSON.stringify(name)}:${texts.get(name) ?? eventText}`).join(',')}}`;
  const hash = hashOf(textWith(canonical(event)));
  const body = textWith(canonical({ ...event, hash }));
  return { body, head: { id: head.id, sequence, hash } };
}

/** Why a record does not follow `head`; `undefined` if it does. A gap is for the caller to judge: it knows of losses. */
export type ChainFault = 'hash' | 'chain' | 'sequence' | 'previous';

/** Whether the hash of a record is its own. `record` as parsed from its body. */
export function hashHolds(record: FimEvent | EdrEvent): boolean {
  const { hash, ...event } = record.event;
  return hashOf(canonical({ ...record, event })) === hash;
}

/** Compares a record with the head before it, hash first. */
export function chainFault(record: FimEvent | EdrEvent, head: ChainHead): ChainFault | undefined {
  if (!hashHolds(record)) return 'hash';
  const { id, sequence, previous } = record.wayfarer.chain;
  if (id !== head.id) return 'chain';
  if (sequence !== head.sequence + 1) return 'sequence';
  return previous === head.hash ? undefined : 'previous';
}

/** The head that a record makes. */
export function headOf(record: FimEvent | EdrEvent): ChainHead {
  return { id: record.wayfarer.chain.id, sequence: record.wayfarer.chain.sequence, hash: record.event.hash };
}
