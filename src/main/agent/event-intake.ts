import type { FromSensor, ToSensor } from '../../shared/sensor.ts';
import { isDiskRefusal } from '../queue/store-error.ts';
import type { Context } from './context.ts';
import { noteDrops } from './drops.ts';
import { noteQueued } from './event-streams.ts';
import type { RecentHostEvents } from './recent-host-events.ts';
import type { Post } from './surroundings.ts';

/** How long a disk that takes nothing is left alone, ms. */
const RETRY_MS = 10_000;
/** Most characters of events that are held while it does. */
const MAX_HELD_CHARS = 16 * 1024 * 1024;

type Events = Extract<FromSensor, { kind: 'events' }>;

/** What the intake works with. */
export interface IntakePorts {
  readonly context: Context;
  readonly post: Post;
  readonly recent: RecentHostEvents;
  /** To the sensor. */
  readonly send: (message: ToSensor) => void;
  /** Starts the sensor again: it then sends once more what was not taken. */
  readonly restart: () => void;
}

/**
 * Puts the events of the sensor into the durable queue: each message at once and as one transaction, then `taken`. While
 * the disk takes nothing the sensor is paused, what is on its way is held in its order, and it is tried again.
 */
export class EventIntake {
  readonly #ports: IntakePorts;
  /** Messages that the disk did not take, the oldest first; not empty: the sensor is paused. */
  #held: Events[] = [];
  #heldChars = 0;
  /** Whether more came than may be held. */
  #tooMany = false;
  #cancelRetry: () => void = () => undefined;

  constructor(ports: IntakePorts) {
    this.#ports = ports;
  }

  /** Takes a message within an event. Throws what is wrong with the store beside a disk that takes nothing. */
  take(message: Events): void {
    if (this.#held.length > 0) this.#hold(message);
    else this.#storeOrHold(message);
  }

  /** The sensor that sent what is held is gone: the next one sends it again. */
  reset(): void {
    this.#cancelRetry();
    this.#held = [];
    this.#heldChars = 0;
    this.#tooMany = false;
  }

  /** Nothing comes any more. */
  end(): void {
    this.reset();
    this.#ports.context.conditions.clear('DISK_FULL', 'events');
  }

  #storeOrHold(message: Events): void {
    try {
      this.#store(message);
    } catch (error) {
      this.#ports.send({ kind: 'pause' });
      this.#hold(message);
      this.#retryLater(error);
    }
  }

  #store({ stream, chain, events }: Events): void {
    const { context, send, recent } = this.#ports;
    context.store.events.enqueue(stream, events);
    const last = events.at(-1);
    if (last !== undefined) send({ kind: 'taken', stream, chain, upTo: last.sequence });
    context.conditions.clear('DISK_FULL', 'events');
    noteQueued(context, stream);
    noteDrops(context, stream);
    recent.add(
      stream,
      events.map(({ body }) => body),
    );
  }

  #hold(message: Events): void {
    const chars = message.events.reduce((sum, { body }) => sum + body.length, 0);
    // Order counts: once one was left out, all that follow are.
    this.#tooMany ||= this.#held.length > 0 && this.#heldChars + chars > MAX_HELD_CHARS;
    if (this.#tooMany) return;
    this.#held.push(message);
    this.#heldChars += chars;
  }

  #retryLater(error: unknown): void {
    const { context, post } = this.#ports;
    const now = context.clock.now();
    this.#cancelRetry();
    this.#cancelRetry = context.clock.at(now + RETRY_MS, () => {
      post('events once more', () => {
        this.#retry();
      });
    });
    if (!isDiskRefusal(error)) throw error;
    const values = { path: context.paths.dataDir, reason: error.message };
    context.conditions.raise('DISK_FULL', now, values, 'events');
  }

  #retry(): void {
    const { send, restart } = this.#ports;
    for (let message = this.#held[0]; message !== undefined; message = this.#held[0]) {
      try {
        this.#store(message);
      } catch (error) {
        this.#retryLater(error);
        return;
      }
      this.#held.shift();
    }
    const again = this.#tooMany;
    this.reset();
    if (again) restart();
    else send({ kind: 'resume' });
  }
}
