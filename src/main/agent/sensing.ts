import { EVENT_STREAMS } from '../../shared/host-events.ts';
import type { FromSensor, SensorState, ToSensor } from '../../shared/sensor.ts';
import { toInstant } from '../clock.ts';
import { isDiskRefusal } from '../queue/store-error.ts';
import type { Context } from './context.ts';
import { SensorLosses } from './drops.ts';
import { EventIntake } from './event-intake.ts';
import { noteQueued } from './event-streams.ts';
import { payloadLimits } from './payload-limits.ts';
import { ProcessSupervisor, type Sign, type SupervisorRules } from './process-supervisor.ts';
import { RecentHostEvents } from './recent-host-events.ts';
import { noteSensorProblems } from './sensor-conditions.ts';
import type { StartSensor } from './sensor-process.ts';
import { watchKey, watchOf, type Watch } from './sensor-watch.ts';
import type { Post } from './surroundings.ts';

/** Memory that the sensor may have, MB (1024² bytes). */
export const SENSOR_MEMORY_MB = 256;

/** How long a sensor may say nothing, ms: it shows life every 10 s. */
const SILENCE_MS = 60_000;
/** A sensor that lasted so long, ms, is not one that can't run. */
const PROVEN_MS = 60_000;

const rules: SupervisorRules<ToSensor, FromSensor> = {
  memoryBytes: SENSOR_MEMORY_MB * 1024 * 1024,
  silenceMs: SILENCE_MS,
  oneAtATime: true,
  sent: () => undefined,
  heard: (message, upMs): Sign => {
    if (message.kind === 'ready') return { isReady: true, pace: 'working' };
    if (message.kind !== 'alive') return { pace: 'working' };
    return { pace: 'working', rssBytes: message.rssBytes, progress: upMs >= PROVEN_MS };
  },
};

/** How the process stands, for the status. */
export interface SensorProcess {
  readonly phase: 'off' | 'starting' | 'running' | 'down';
  readonly pid: number | null;
  readonly restarts: number;
  /** What it said last; `null` before that, and while it is gone. */
  readonly state: SensorState | null;
}

/** Watching as a part of the core: the sensor's process while FIM or EDR is on, and what it reports (R199, R207). */
export class Sensing {
  readonly #context: Context;
  readonly #supervisor: ProcessSupervisor<ToSensor, FromSensor>;
  readonly #intake: EventIntake;
  readonly #losses: SensorLosses;
  /** For who looks at events on this host. */
  readonly recent = new RecentHostEvents();
  #phase: SensorProcess['phase'] = 'off';
  #state: SensorState | null = null;
  /** What decides what is watched, as it stood at the last look. */
  #seen = '';
  #wanted: Watch | null = null;
  #limits = '';

  constructor(context: Context, start: StartSensor, post: Post) {
    this.#context = context;
    this.#losses = new SensorLosses(context);
    this.#supervisor = new ProcessSupervisor(start, context.clock, rules, {
      message: (message) => {
        post(`sensor ${message.kind}`, () => {
          this.#take(message);
        });
      },
      up: () => {
        post('sensor up', () => {
          this.#up();
        });
      },
      tooLarge: () => undefined,
      down: (reason, inARow, restartAt) => {
        post('sensor down', () => {
          this.#down(reason, inARow, restartAt);
        });
      },
    });
    this.#intake = new EventIntake({
      context,
      post,
      recent: this.recent,
      send: (message) => {
        this.#supervisor.send(message);
      },
      restart: () => {
        this.#restart();
      },
    });
  }

  get process(): SensorProcess {
    const { pid, restarts } = this.#supervisor;
    return { phase: this.#phase, pid, restarts, state: this.#state };
  }

  /** Has that watched which modules, profile and manifests ask for; after every event, since many change it. */
  follow(): void {
    this.#followLimits();
    const key = watchKey(this.#context);
    if (key === this.#seen) return;
    this.#seen = key;
    this.#wanted = watchOf(this.#context);
    if (this.#wanted === null) void this.#turnOff();
    else if (this.#phase === 'off') this.#turnOn();
    else if (this.#phase === 'running') this.#supervisor.send(this.#wanted);
  }

  /** Ends the process; it is not started again. */
  stop(): Promise<void> {
    this.#supervisor.send({ kind: 'stop' });
    return this.#supervisor.stop();
  }

  #turnOn(): void {
    this.#context.log.info('files or processes are to be watched: the sensor is started');
    this.#phase = 'starting';
    this.#supervisor.start();
  }

  async #turnOff(): Promise<void> {
    if (this.#phase === 'off') return;
    this.#context.log.info('nothing is to be watched any more: the sensor is ended');
    this.#phase = 'off';
    this.#forget();
    this.#intake.end();
    this.recent.clear();
    noteSensorProblems(this.#context, null);
    this.#context.conditions.clear('SENSOR_DOWN');
    await this.stop();
  }

  #restart(): void {
    this.#context.log.warn(
      'more events wait than are held here: the sensor is started again to send them once more',
    );
    this.#phase = 'starting';
    this.#forget();
    void this.stop();
    this.#supervisor.start();
  }

  #up(): void {
    this.#phase = 'running';
    this.#context.conditions.clear('SENSOR_DOWN');
    if (this.#wanted !== null) this.#supervisor.send(this.#wanted);
  }

  #take(message: FromSensor): void {
    switch (message.kind) {
      case 'events':
        this.#intake.take(message);
        break;
      case 'state':
        this.#state = message.state;
        this.#losses.take(message.state);
        noteSensorProblems(this.#context, message.state);
        break;
      case 'log':
        this.#context.log[message.level](`sensor: ${message.message}`);
        break;
      case 'ready':
      case 'alive':
        break;
    }
  }

  /** The process is gone, and what it said with it. */
  #forget(): void {
    this.#state = null;
    this.#losses.ended();
  }

  #down(reason: string, inARow: number, restartAt: number): void {
    const { log, conditions, clock } = this.#context;
    const next = toInstant(restartAt);
    log.error(`sensor ended: ${reason}; started again at ${next}`);
    this.#phase = 'down';
    this.#forget();
    this.#intake.reset();
    noteSensorProblems(this.#context, null);
    conditions.raise('SENSOR_DOWN', clock.now(), { times: String(inARow), reason, next });
  }

  /** The queue's limits are the profile's (R202, R203, R205). A disk that takes nothing is asked again. */
  #followLimits(): void {
    const facts = this.#context.facts();
    const limits = EVENT_STREAMS.map((stream) => payloadLimits(facts, stream).diskBytes);
    if (limits.join() === this.#limits) return;
    try {
      for (const stream of EVENT_STREAMS) {
        this.#context.store.events.setLimit(stream, payloadLimits(facts, stream).diskBytes);
        noteQueued(this.#context, stream);
      }
      this.#limits = limits.join();
    } catch (error) {
      if (!isDiskRefusal(error)) throw error;
      this.#context.log.debug(`limits of events are set later: ${error.message}`);
    }
  }
}
