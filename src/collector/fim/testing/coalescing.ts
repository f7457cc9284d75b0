import type { Os } from '../../table.ts';
import { SteppedTimers } from '../../testing/timers.ts';
import type { LostChanges } from '../change.ts';
import { Coalescer } from '../coalescer.ts';
import type { Examination } from '../ledger/messages.ts';
import { change } from './changes.ts';

/** A coalescer with a clock that a test steps, and all that it gave: `waits` are those of the timers that run, in ms. */
export function coalescing(os: Os = 'linux') {
  const timers = new SteppedTimers();
  const batches: (readonly Examination[])[] = [];
  const numbers: number[] = [];
  const lost: LostChanges[] = [];
  const waits: number[] = [];
  const forget = (ms: number): number[] => waits.splice(waits.indexOf(ms), 1);
  const coalescer = new Coalescer({
    os,
    provider: () => 'test',
    now: timers.now,
    startTimer: (ms, fire) => {
      waits.push(ms);
      const cancel = timers.start(ms, () => {
        forget(ms);
        fire();
      });
      return () => {
        if (waits.includes(ms)) forget(ms);
        cancel();
      };
    },
    examine: (number, items) => {
      numbers.push(number);
      batches.push(items);
    },
    lost: (what) => lost.push(what),
  });
  const items = (): Examination[] => batches.flat();
  const take = (...changes: Parameters<typeof change>[]): void =>
    coalescer.take(changes.map(([path, what, more]) => change(path, what, { at: timers.now(), ...more })));
  const paths = (): string[] => items().map(({ path }) => path);
  return { timers, batches, numbers, lost, waits, coalescer, items, take, paths };
}
