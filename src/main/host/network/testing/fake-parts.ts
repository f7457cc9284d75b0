import type { Metered } from '../bus-reader.ts';
import type { BusPort, MonitorParts } from '../monitor.ts';
import type { NetworkListener, NetworkState } from '../network.ts';
import type { ChangeSource, SourceEvents } from '../source.ts';
import type { BusEvents } from '../system-bus.ts';
import { FakeTime } from './fake-time.ts';
import { onNetwork } from './states.ts';

/** A source that a test speaks for. */
export class FakeSource implements ChangeSource {
  readonly name: string;
  events: SourceEvents | undefined;
  stopped = false;

  constructor(name: string) {
    this.name = name;
  }

  start(events: SourceEvents): void {
    this.events = events;
  }

  stop(): Promise<void> {
    this.stopped = true;
    return Promise.resolve();
  }
}

/** A bus that a test speaks for; `answers` when it is set up by then. */
export class FakeBus implements BusPort {
  events: BusEvents | undefined;
  starts = 0;
  stopped = false;
  answers = true;

  start(events: BusEvents): Promise<void> {
    this.events = events;
    this.starts += 1;
    return this.answers ? Promise.resolve() : new Promise(() => undefined);
  }

  stop(): Promise<void> {
    this.stopped = true;
    return Promise.resolve();
  }
}

/** What a monitor is made of, all of it turned by hand, with what it tells. */
export class FakeHost {
  readonly time = new FakeTime();
  readonly netlink = new FakeSource('netlink');
  readonly resolver = new FakeSource('resolver');
  readonly bus = new FakeBus();
  /** The network that the host is on; the bus's word about metering is added. */
  network: NetworkState = onNetwork('192.0.2.7');
  looks = 0;
  /** What a look waits for. */
  delay = Promise.resolve();
  readonly told: unknown[] = [];

  readonly parts: MonitorParts = {
    clock: this.time.clock,
    monotonic: this.time.monotonic,
    read: async (metered: Metered) => {
      this.looks += 1;
      await this.delay;
      return { ...this.network, metered };
    },
    sources: [this.netlink, this.resolver],
    bus: this.bus,
  };

  readonly listener: NetworkListener = {
    changed: ({ addresses, metered }) => this.told.push(['changed', addresses[0]?.address, metered]),
    resumed: () => this.told.push('resumed'),
    suspending: () => this.told.push('suspending'),
    degraded: (reason) => this.told.push(['degraded', reason]),
    unstable: ({ count }) => this.told.push(['unstable', count]),
    stable: () => this.told.push('stable'),
  };
}
