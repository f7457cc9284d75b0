import { EVENT_STREAMS, type EventStream } from '../../../shared/host-events.ts';

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Counts the events of the last hour, by the minute. `now` is ms on any clock. */
export class EventRate {
  readonly #now: () => number;
  readonly #minutes = new Map<number, Record<EventStream, number>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  count(stream: EventStream): void {
    const minute = Math.floor(this.#now() / MINUTE_MS);
    const counts = this.#minutes.get(minute) ?? { fim: 0, edr: 0 };
    counts[stream] += 1;
    this.#minutes.set(minute, counts);
  }

  lastHour(): Record<EventStream, number> {
    const oldest = Math.floor(this.#now() / MINUTE_MS) - MINUTES;
    const total = { fim: 0, edr: 0 };
    for (const [minute, counts] of this.#minutes) {
      if (minute <= oldest) this.#minutes.delete(minute);
      else for (const stream of EVENT_STREAMS) total[stream] += counts[stream];
    }
    return total;
  }
}
