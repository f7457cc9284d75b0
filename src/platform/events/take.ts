import type { EventStream } from '../../shared/host-events.ts';
import type { EventGap } from '../../shared/event-payload.ts';
import type { Context } from '../context.ts';
import { idBytes, type ChainState, type Missing, type StreamState } from '../store/host-events.ts';
import { facetsOf } from './facets.ts';
import { hashFault, linkFault, type Fault } from './link.ts';
import type { ArrivedEvent, PayloadLine } from './payload.ts';
import { trimStream } from './trim.ts';

/** What became of lines: stored, there already, and how many faults and gaps were put on record. */
export interface Taken {
  stored: number;
  repeated: number;
  gaps: number;
  faults: number;
  restarts: number;
}

/** The chain of an event at this moment; `opens` while it has no record. */
interface Place {
  readonly chain: ChainState;
  readonly opens: boolean;
  readonly current: boolean;
}

/**
 * Stores lines of a payload, each event and each gap once, and compares every event with its chain. A fault never refuses an
 * event: it is stored and marked, and the fault is put on record. To be called inside a transaction.
 */
export function takeLines(
  context: Context,
  agent: string,
  stream: EventStream,
  lines: readonly PayloadLine[],
): Taken {
  const store = context.store.hostEvents;
  const taker = new Taker(context, store.stream(store.ensureHost(agent), stream));
  for (const line of lines) {
    if ('gap' in line) taker.takeGap(line.gap);
    else taker.takeEvent(line);
  }
  return taker.finish();
}

class Taker {
  readonly taken: Taken = { stored: 0, repeated: 0, gaps: 0, faults: 0, restarts: 0 };
  readonly #context: Context;
  readonly #state: StreamState;
  readonly #chains = new Map<string, ChainState>();
  readonly #now: number;

  constructor(context: Context, state: StreamState) {
    this.#context = context;
    this.#state = state;
    this.#now = context.now();
  }

  get #store() {
    return this.#context.store.hostEvents;
  }

  takeGap(gap: EventGap): void {
    if (!this.#store.addGap(gap, this.#state.host, this.#now)) {
      this.taken.repeated += 1;
      return;
    }
    this.taken.gaps += 1;
    this.#state.declared = sum(this.#state.declared, gap.count);
    this.#state.lost = sum(this.#state.lost, gap.count);
  }

  takeEvent(arrived: ArrivedEvent): void {
    const { event, text } = arrived;
    const held = this.#store.held(this.#state.host, event.event.id);
    if (held !== undefined) {
      this.taken.repeated += 1;
      if (held.record === text) return;
      const { hash } = (JSON.parse(held.record) as typeof event).event;
      this.#record(event.wayfarer.chain.id, event.event.id, {
        kind: 'content',
        expected: hash,
        found: event.event.hash,
      });
      return;
    }
    const place = this.#placeOf(arrived);
    if (event.wayfarer.chain.sequence <= place.chain.droppedTo) {
      // Stored once, and dropped here since: not to come back.
      this.taken.repeated += 1;
      return;
    }
    const declared = place.current ? this.#state.declared : 0;
    this.#add(arrived, place, declared, this.#judge(arrived, place, declared));
  }

  finish(): Taken {
    for (const chain of this.#chains.values()) this.#store.saveChain(chain);
    trimStream(this.#context, this.#state);
    this.#store.saveStream(this.#state);
    return this.taken;
  }

  /** The chain that an event belongs to; a new one becomes the stream's, and is put on record where there was another. */
  #placeOf({ event }: ArrivedEvent): Place {
    const { id: uuid, sequence } = event.wayfarer.chain;
    const state = this.#state;
    const known = this.#chains.get(uuid) ?? this.#store.chain(state.host, state.stream, uuid);
    const chain = known ?? this.#begin(uuid, sequence);
    this.#chains.set(uuid, chain);
    if (known === undefined) {
      const before = state.chain === null ? undefined : this.#store.chainById(state.chain);
      state.chain = chain.id;
      if (before !== undefined) {
        this.#record(uuid, event.event.id, { kind: 'restarted', expected: before.uuid, found: uuid });
      }
    }
    return { chain, opens: chain.sequence === 0, current: chain.id === state.chain };
  }

  /**
   * A chain of which this host has sent nothing. One that began before its agent was provisioned anew goes on where it stood
   * under the id before: what came until then is held there.
   */
  #begin(uuid: string, sequence: number): ChainState {
    const { host, stream } = this.#state;
    const chain = this.#store.addChain(host, stream, uuid, this.#now);
    const before = this.#store.chainElsewhere(host, stream, uuid, sequence);
    if (before === undefined) return chain;
    const { sequence: droppedTo, hash: droppedHash } = before;
    return { ...chain, sequence: droppedTo, hash: droppedHash, droppedTo, droppedHash };
  }

  #judge(arrived: ArrivedEvent, { chain, opens }: Place, declared: number): Fault | undefined {
    const { event, raw } = arrived;
    const { sequence } = event.wayfarer.chain;
    const link = linkFault(event, chain, declared, opens);
    const mended = sequence <= chain.sequence && this.#mends(chain, sequence);
    const faults = [hashFault(raw), mended ? undefined : link].filter((fault) => fault !== undefined);
    for (const fault of faults) {
      const jump = { from: chain.sequence + 1, to: sequence - 1 };
      const missing = { ...jump, count: Math.max(0, jump.to - jump.from + 1 - declared) };
      this.#record(chain.uuid, event.event.id, fault, fault.kind === 'sequence' ? missing : undefined);
    }
    return faults[0];
  }

  /** Whether a record that comes late fills a place that a jump had left empty. */
  #mends(chain: ChainState, sequence: number): boolean {
    const { host, stream } = this.#state;
    if (this.#store.isHeld(chain.id, sequence)) return false;
    return this.#store.mend({ host, stream, chain: chain.uuid, sequence, at: this.#now });
  }

  #add(
    { event, text }: ArrivedEvent,
    { chain, current }: Place,
    declared: number,
    fault: Fault | undefined,
  ): void {
    const { sequence } = event.wayfarer.chain;
    const late = sequence <= chain.sequence;
    const bytes = Buffer.byteLength(text);
    this.#store.add(
      {
        ...facetsOf(event),
        host: this.#state.host,
        stream: this.#state.stream,
        chain: chain.id,
        sequence,
        declared: late ? 0 : declared,
        id: idBytes(event.event.id),
        // A host whose clock runs ahead must not stand before all others for ever.
        at: Math.min(this.#now, Date.parse(event['@timestamp'])),
        receivedAt: this.#now,
        fault: fault?.kind ?? null,
        bytes,
      },
      text,
    );
    this.taken.stored += 1;
    this.#state.events += 1;
    this.#state.bytes += bytes;
    this.#state.oldestAt ??= this.#now;
    this.#state.newestAt = this.#now;
    if (late) return;
    chain.sequence = sequence;
    chain.hash = event.event.hash;
    if (current) this.#state.declared = 0;
  }

  #record(chain: string, event: string, fault: Fault, missing?: Missing): void {
    const { host, stream } = this.#state;
    this.#store.addFault({ host, stream, chain, event, at: this.#now }, fault, missing);
    if (fault.kind === 'restarted') {
      this.#state.restarts += 1;
      this.taken.restarts += 1;
    } else {
      this.#state.faults += 1;
      this.taken.faults += 1;
    }
  }
}

/** A sum that stays a safe integer, whatever a host declares. */
const sum = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER);
