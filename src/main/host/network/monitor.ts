import type { Clock } from '../../clock.ts';
import type { Metered } from './bus-reader.ts';
import { ChangeReporter } from './change-reporter.ts';
import type { NetworkListener, NetworkMonitor, NetworkState } from './network.ts';
import { SourceHealth } from './source-health.ts';
import type { ChangeSource } from './source.ts';
import type { BusEvents } from './system-bus.ts';
import { Timer } from './timer.ts';
import { Waking } from './waking.ts';

/** The system bus as the monitor uses it. */
export interface BusPort {
  /** Resolves when the bus has told what it knows, or can't be reached at first. */
  readonly start: (events: BusEvents) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** What the monitor is made of; tests bring doubles. */
export interface MonitorParts {
  readonly clock: Clock;
  /** Time that never goes back, ms. */
  readonly monotonic: () => number;
  /** Reads the networks as they are now. Never rejects. */
  readonly read: (metered: Metered) => Promise<NetworkState>;
  /** What tells that they changed. Without any the monitor looks now and then. */
  readonly sources: readonly ChangeSource[];
  /** What tells of sleep and metered networks; `undefined` on systems without it. */
  readonly bus: BusPort | undefined;
}

/** Signs of a change are gathered for so long, ms: an interface that comes up gives a dozen. */
const GATHER_MS = 1_000;
/** The monitor looks at the clocks so often, ms, and at the networks too while a source tells nothing. */
const TICK_MS = 15_000;
/** It looks at the networks with every such tick whatever the sources say: any of them may miss something. */
const LOOK_EVERY_TICKS = 20;
/** Longest wait of `state` for the first word of the bus, ms. */
const BUS_MS = 2_000;

const BUS = 'the system bus';
const WITHOUT_BUS = 'sleep is noticed by the clock, and whether a network is metered is not known';
const WITHOUT_SOURCE = `changes of the network are looked for every ${TICK_MS / 1000} s`;

/**
 * Watches networks and sleep. Sources only say that something may have changed; the monitor then reads everything and
 * reports what really differs. So an event too many costs one look, and one too few is made good by a later tick.
 */
export class Monitor implements NetworkMonitor {
  readonly #parts: MonitorParts;
  readonly #gather: Timer;
  readonly #tick: Timer;
  readonly #reporter: ChangeReporter;
  readonly #waking: Waking;
  readonly #health: SourceHealth;
  #listener: NetworkListener | undefined;
  #bus: Promise<void> | undefined;
  #metered: Metered = 'unknown';
  #look = Promise.resolve();
  #ticks = 0;
  #stopped = false;

  constructor(parts: MonitorParts) {
    this.#parts = parts;
    const { clock, monotonic } = parts;
    this.#gather = new Timer(clock);
    this.#tick = new Timer(clock);
    this.#reporter = new ChangeReporter(monotonic, new Timer(clock), {
      changed: (state) => this.#listener?.changed(state),
      unstable: (flapping) => this.#listener?.unstable(flapping),
      stable: () => this.#listener?.stable(),
    });
    this.#waking = new Waking(
      { wall: clock.now, monotonic },
      {
        suspending: () => this.#listener?.suspending(),
        resumed: () => {
          this.#listener?.resumed();
          this.#lookSoon();
        },
      },
    );
    this.#health = new SourceHealth(monotonic);
  }

  async state(): Promise<NetworkState> {
    await this.#busHeard();
    const state = await this.#parts.read(this.#metered);
    if (this.#listener === undefined) this.#reporter.know(state);
    return state;
  }

  start(listener: NetworkListener): void {
    this.#listener = listener;
    this.#tick.set(0, () => {
      this.#begin();
    });
  }

  async stop(): Promise<void> {
    this.#listener = undefined;
    this.#stopped = true;
    for (const timer of [this.#gather, this.#tick]) timer.cancel();
    await Promise.all([...this.#parts.sources.map((source) => source.stop()), this.#parts.bus?.stop()]);
    await this.#look;
    this.#reporter.stop();
  }

  #begin(): void {
    this.#health.listen((reason) => this.#listener?.degraded(reason));
    for (const source of this.#parts.sources) this.#follow(source);
    void this.#busHeard();
    this.#lookSoon();
    this.#tickLater();
  }

  #follow(source: ChangeSource): void {
    const { name } = source;
    this.#health.expect(name);
    source.start({
      hint: () => {
        this.#lookSoon();
      },
      up: () => {
        this.#health.up(name);
        this.#lookSoon();
      },
      down: (reason) => {
        this.#health.down(name, reason, WITHOUT_SOURCE);
      },
    });
  }

  /** Begins to listen to the bus and waits, within bounds, for its first word. */
  async #busHeard(): Promise<void> {
    const { bus, clock } = this.#parts;
    if (bus === undefined || this.#stopped) return;
    this.#bus ??= bus.start(this.#busEvents());
    const timer = new Timer(clock);
    const late = new Promise<void>((resolve) => {
      timer.set(BUS_MS, resolve);
    });
    await Promise.race([this.#bus, late]);
    timer.cancel();
  }

  #busEvents(): BusEvents {
    return {
      suspending: () => {
        this.#waking.suspending();
      },
      woke: () => {
        this.#waking.woke();
      },
      metered: (metered) => {
        this.#metered = metered;
        this.#lookSoon();
      },
      up: () => {
        this.#health.up(BUS);
      },
      down: (reason) => {
        this.#health.down(BUS, reason, WITHOUT_BUS);
      },
    };
  }

  #tickLater(): void {
    this.#tick.set(TICK_MS, () => {
      this.#waking.tick(TICK_MS);
      this.#reporter.tick();
      this.#ticks += 1;
      if (this.#looksByItself() || this.#ticks % LOOK_EVERY_TICKS === 0) this.#lookSoon();
      this.#tickLater();
    });
  }

  #looksByItself(): boolean {
    const { sources } = this.#parts;
    return sources.length === 0 || sources.some(({ name }) => this.#health.isDown(name));
  }

  #lookSoon(): void {
    if (this.#listener === undefined || this.#gather.pending) return;
    this.#gather.set(GATHER_MS, () => {
      // One look after the other: a slow one must not overwrite what a later one saw.
      this.#look = this.#look.then(() => this.#lookNow());
    });
  }

  async #lookNow(): Promise<void> {
    this.#reporter.take(await this.#parts.read(this.#metered));
  }
}
