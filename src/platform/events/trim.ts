import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { reasonOf } from '../errors.ts';
import type { OldEvent, StreamState } from '../store/host-events.ts';

/** Events looked at and dropped at a time, and times per call: the rest waits for the next. */
const PAGE = 500;
const PAGES = 8;

/**
 * Drops the events of a stream that came first until its number, bytes and age are within the bounds of a host, and notes how
 * many went and where its chains begin now. `state` is changed, not saved. To be called inside a transaction; drops at most 4,000.
 */
export function trimStream(context: Context, state: StreamState): void {
  for (let page = 0; page < PAGES && isOver(context, state); page += 1) {
    const old = context.store.hostEvents.oldest(state.host, state.stream, PAGE);
    dropAll(context, state, excessOf(context, state, old));
  }
}

const cutoffOf = (context: Context): number => context.now() - context.limits.hostEventsKeptMs;

function isOver(context: Context, { events, bytes, oldestAt }: StreamState): boolean {
  const { hostEvents, hostEventBytes } = context.limits;
  return events > hostEvents || bytes > hostEventBytes || (oldestAt ?? Infinity) < cutoffOf(context);
}

/** The first of these events that have to go. */
function excessOf(context: Context, state: StreamState, old: readonly OldEvent[]): OldEvent[] {
  const left = { ...state };
  const kept = old.findIndex(({ bytes, receivedAt }) => {
    if (!isOver(context, { ...left, oldestAt: receivedAt })) return true;
    left.events -= 1;
    left.bytes -= bytes;
    return false;
  });
  return old.slice(0, kept < 0 ? old.length : kept);
}

function dropAll(context: Context, state: StreamState, events: readonly OldEvent[]): void {
  const store = context.store.hostEvents;
  const last = events.at(-1);
  if (last !== undefined) {
    const chains = newestOfChains(events);
    for (const { chain, sequence, n } of chains) moveStart(context, chain, sequence, n);
    state.dropped += store.dropUpTo(state.host, state.stream, last.n);
    state.droppedAt = context.now();
    state.events -= events.length;
    state.bytes -= events.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { chain } of chains) if (chain !== state.chain) store.dropChain(chain);
  }
  state.oldestAt = store.oldest(state.host, state.stream, 1)[0]?.receivedAt ?? null;
}

function newestOfChains(events: readonly OldEvent[]): OldEvent[] {
  const newest = new Map<number, OldEvent>();
  for (const event of events) {
    if (event.sequence >= (newest.get(event.chain)?.sequence ?? 0)) newest.set(event.chain, event);
  }
  return [...newest.values()];
}

/** What is held of a chain begins behind the newest record that was dropped. */
function moveStart(context: Context, id: number, sequence: number, n: number): void {
  const store = context.store.hostEvents;
  const chain = store.chainById(id);
  if (chain === undefined || sequence <= chain.droppedTo) return;
  store.saveChain({ ...chain, droppedTo: sequence, droppedHash: store.hashOf(n) });
}

/** Drops what has become too old on all hosts, a few thousand at a time; requests are answered in between. */
export interface Trimmer {
  /** Begins, unless it is at work; returns at once. */
  readonly wake: () => void;
  /** Resolves when the transaction in work is done; nothing is begun any more. */
  readonly stop: () => Promise<void>;
}

export function createTrimmer(context: Context): Trimmer {
  let running: Promise<void> | undefined;
  let stopped = false;
  const work = async (): Promise<void> => {
    try {
      await nextTurn();
      const aged = stopped ? [] : context.store.hostEvents.agedStreams(cutoffOf(context));
      for (const { host, stream } of aged) {
        while (!stopped && trimSome(context, host, stream)) await nextTurn();
      }
    } catch (error) {
      context.log('error', `old events stay until the next hour: ${reasonOf(error)}`);
    }
  };
  return {
    wake: () => {
      running ??= work().finally(() => {
        running = undefined;
      });
    },
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}

/** Whether there is more to drop. */
function trimSome(context: Context, host: number, stream: string): boolean {
  const store = context.store.hostEvents;
  return context.store.transaction(() => {
    const state = store.stream(host, stream);
    trimStream(context, state);
    store.saveStream(state);
    return isOver(context, state);
  });
}
