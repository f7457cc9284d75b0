import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EdrEvent, FimEvent } from '../../shared/host-events.ts';
import type { Records } from '../context.ts';
import type { ChainRow } from '../store/event-search.ts';
import type { ChainState, StreamState } from '../store/host-events.ts';
import { hashFault, linkFault, type Fault, type Standing } from './link.ts';

/** A fault as a look at the stored rows finds it. */
export interface FoundFault extends Fault {
  readonly stream: string;
  readonly chain: string;
  /** Event id; empty where what is missing stands at the end. */
  readonly event: string;
}

/** What a look at all stored rows of one stream of a host found. */
export interface Verified {
  readonly agent: string;
  readonly hostname: string;
  readonly stream: string;
  readonly chains: number;
  readonly events: number;
  /** Records dropped on the host, and events dropped here, by their own account. */
  readonly lost: number;
  readonly dropped: number;
  readonly faults: readonly FoundFault[];
}

const PAGE = 500;
/** Faults named per stream; what is broken throughout need not be listed row by row. */
const MOST_FAULTS = 1_000;

/**
 * Reads every stored event of a host again and recomputes its chains from the records: hashes, links, jumps against gaps, and
 * whether the newest one and the number are those on record. Works in pages; some thousand events per second.
 */
export async function verifyHost(
  context: Records,
  agent: { readonly id: string; readonly hostname: string },
): Promise<Verified[]> {
  const host = context.store.hostEvents.hostOf(agent.id);
  if (host === undefined) return [];
  const verified: Verified[] = [];
  for (const state of context.store.hostEvents.streams(host)) {
    const found = await verifyStream(context, state);
    const { stream, lost, dropped } = state;
    verified.push({ agent: agent.id, hostname: agent.hostname, stream, lost, dropped, ...found });
  }
  return verified;
}

async function verifyStream(context: Records, state: StreamState) {
  const { host, stream } = state;
  const chains = context.store.hostEvents.chains(host, stream);
  const faults: FoundFault[] = [];
  let events = 0;
  for (const chain of chains) {
    const seen = await verifyChain(context, chain, (fault, event) => {
      if (faults.length < MOST_FAULTS) faults.push({ stream, chain: chain.uuid, event, ...fault });
    });
    events += seen;
  }
  const current = context.store.hostEvents.stream(host, stream);
  const count = context.store.eventSearch.count(host, stream);
  if (current.events !== count) {
    const wrong = { kind: 'sequence', expected: `${current.events} events`, found: `${count}` } as const;
    faults.push({ stream, chain: '', event: '', ...wrong });
  }
  return { chains: chains.length, events, faults };
}

type Report = (fault: Fault, event: string) => void;

async function verifyChain(context: Records, chain: ChainState, report: Report): Promise<number> {
  let before: Standing = { sequence: chain.droppedTo, hash: chain.droppedHash };
  let place = { sequence: 0, n: 0 };
  let count = 0;
  for (;;) {
    const rows = context.store.eventSearch.inChain(chain.id, place, PAGE);
    for (const row of rows) before = verifyRow(row, before, chain, report);
    count += rows.length;
    const last = rows.at(-1);
    if (last === undefined) break;
    place = last;
    await nextTurn();
  }
  requireEnd(context, chain, before, report);
  return count;
}

function verifyRow(row: ChainRow, before: Standing, chain: ChainState, report: Report): Standing {
  const record = JSON.parse(row.record) as FimEvent | EdrEvent;
  const { id, sequence } = record.wayfarer.chain;
  const changed = hashFault(record);
  if (changed !== undefined) report(changed, record.event.id);
  if (id !== chain.uuid || sequence !== row.sequence) {
    report(
      { kind: 'content', expected: `${chain.uuid} ${row.sequence}`, found: `${id} ${sequence}` },
      record.event.id,
    );
  }
  // Behind what was dropped here nothing links any more.
  if (sequence <= chain.droppedTo) return before;
  const link = linkFault(record, before, row.declared, before.sequence === 0);
  if (link !== undefined) report(link, record.event.id);
  return { sequence, hash: record.event.hash };
}

/** The newest record must be the one that arrived last, unless more arrived while the rows were read. */
function requireEnd(
  context: Records,
  { id, sequence, hash }: ChainState,
  last: Standing,
  report: Report,
): void {
  const now = context.store.hostEvents.chainById(id);
  if (now?.sequence !== sequence || (last.sequence === sequence && last.hash === hash)) return;
  report({ kind: 'sequence', expected: String(sequence), found: String(last.sequence) }, '');
}
