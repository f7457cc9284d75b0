import { randomUUID } from 'node:crypto';
import type { EventStream } from '../../../shared/host-events.ts';
import type { FromSensor, SensorState, ToSensor } from '../../../shared/sensor.ts';
import type { Clock } from '../../clock.ts';
import type { SensorEvents, StartSensor } from '../sensor-process.ts';

const BREATH_MS = 50_000;

/** A double of the sensor process that a test holds in its hand: what it was sent, what it says, when it dies. */
export class FakeSensor {
  readonly sent: ToSensor[] = [];
  /** Whether a started process says that it is ready. */
  ready = true;
  started = 0;
  stopped = 0;
  /** Processes that were started and not told to end. */
  running = 0;
  readonly chain = randomUUID();
  #sequence = 0;
  /** Whether a process shows life, so that it is not given up. */
  breathes = true;
  #events: SensorEvents | undefined;
  readonly #clock: Clock;
  #cancelBreath: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly start: StartSensor = (events) => {
    this.started += 1;
    this.running += 1;
    this.#events = events;
    const pid = this.started;
    // A process never answers before the call that started it has returned.
    queueMicrotask(() => {
      if (this.ready) events.message({ kind: 'ready', pid });
    });
    this.#breathe(events);
    let ends = false;
    return {
      pid,
      send: (message) => this.sent.push(message),
      stop: () => {
        if (!ends) {
          this.stopped += 1;
          this.running -= 1;
        }
        ends = true;
        if (this.#events === events) this.#cancelBreath();
        return Promise.resolve();
      },
    };
  };

  /** As seldom as it may, so that hours of a test pass quickly. */
  #breathe(events: SensorEvents): void {
    this.#cancelBreath();
    this.#cancelBreath = this.#clock.at(this.#clock.now() + BREATH_MS, () => {
      if (this.breathes) events.message({ kind: 'alive', rssBytes: 1 });
      this.#breathe(events);
    });
  }

  /** The messages of one kind, in order. */
  of<K extends ToSensor['kind']>(kind: K): Extract<ToSensor, { kind: K }>[] {
    return this.sent.filter((message): message is Extract<ToSensor, { kind: K }> => message.kind === kind);
  }

  /** What it was last told to watch. */
  get watching(): Extract<ToSensor, { kind: 'watch' }> | undefined {
    return this.of('watch').at(-1);
  }

  say(message: FromSensor): void {
    this.#events?.message(message);
  }

  die(reason = 'SIGKILL'): void {
    this.#cancelBreath();
    this.#events?.ended(reason);
  }

  /** So many events of a stream as one message, each of about so many bytes; returns their ids. */
  report(stream: EventStream, count: number, at: number, bytes = 100): string[] {
    const events = Array.from({ length: count }, () => {
      this.#sequence += 1;
      const id = randomUUID();
      const body = JSON.stringify({ event: { id }, pad: 'x'.repeat(bytes) });
      return { id, at, sequence: this.#sequence, body };
    });
    this.say({ kind: 'events', stream, chain: this.chain, events });
    return events.map(({ id }) => id);
  }
}

/** A sensor that watches three rules and has nothing to complain of. */
export const soundState: SensorState = {
  fim: {
    rules: ['a', 'b', 'c'].map((id) => ({ id, path: `/etc/${id}`, state: 'watching' })),
    mounts: [{ mount: '/', filesystem: 'ext4', method: 'filesystem mark' }],
    actor: 'known',
    baseline: { state: 'complete', entries: 3, completedAt: null, nextRescanAt: null },
    eventsLastHour: 4,
    overflows: 0,
    canarySeenAt: null,
  },
  edr: null,
  problems: [],
  spooled: 0,
};
