import { describe, expect, it } from 'vitest';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { Outbox } from './outbox.ts';
import { edrRecord } from './record.ts';

interface Rig {
  readonly outbox: Outbox;
  readonly sent: string[];
  readonly dropped: () => number;
  /** Lets time pass, in steps of the timer. */
  readonly pass: (ms: number) => void;
  room: number;
}

function rig(): Rig {
  let now = 0;
  let dropped = 0;
  let timers: { at: number; fire: () => void }[] = [];
  const sent: string[] = [];
  const all: Rig = { room: Number.POSITIVE_INFINITY } as Rig;
  const outbox = new Outbox({
    now: () => now,
    startTimer: (ms, fire) => {
      const timer = { at: now + ms, fire };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    before: () => undefined,
    send: (events: UnsealedEdrEvent[]) => sent.push(...events.map(({ event }) => event.id)),
    room: () => all.room,
    dropped: () => (dropped += 1),
  });
  const pass = (ms: number): void => {
    for (const until = now + ms; now < until; now += 10) {
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { fire } of due) fire();
    }
  };
  return Object.assign(all, { outbox, sent, pass, dropped: () => dropped });
}

const record = (id: string): UnsealedEdrEvent =>
  edrRecord({ id, at: 0, action: 'process_started', provider: 'test', severity: 'low' });
const add = (outbox: Outbox, id: string, isReady = (): boolean => true, text = 1): void =>
  outbox.add({ at: 0, text, isReady, write: () => record(id) });

describe('records on their way', () => {
  it('leave in their order, after a short wait in which a doubt may come up', () => {
    const { outbox, sent, pass } = rig();
    add(outbox, 'a');
    add(outbox, 'b');
    pass(50);
    expect(sent).toEqual([]);
    pass(100);
    expect(sent).toEqual(['a', 'b']);
  });

  it('wait for a hash, those behind them too, and go without it in the end', () => {
    const { outbox, sent, pass } = rig();
    add(outbox, 'a', () => false);
    add(outbox, 'b');
    pass(1_900);
    expect(sent).toEqual([]);
    pass(200);
    expect(sent).toEqual(['a', 'b']);
  });

  it('stay while the next one has no room, within bounds of number and text', () => {
    const all = rig();
    all.room = 0;
    for (let i = 0; i < 10_050; i += 1) add(all.outbox, String(i));
    expect([all.outbox.size, all.dropped()]).toEqual([10_000, 50]);
    all.room = 3;
    all.pass(120);
    expect(all.sent).toEqual(['0', '1', '2']);
    const other = rig();
    add(other.outbox, 'a', undefined, 16 * 1024 * 1024);
    add(other.outbox, 'b');
    expect([other.outbox.size, other.dropped()]).toEqual([1, 1]);
  });

  it('leave all at once when it stops', () => {
    const { outbox, sent } = rig();
    add(outbox, 'a', () => false);
    outbox.stop();
    expect(sent).toEqual(['a']);
  });
});
