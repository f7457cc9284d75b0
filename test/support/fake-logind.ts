import type { MessageBus } from 'dbus-native';

/** A double of systemd-logind on a bus of our own: the one signal of it that the agent listens to. */
export class FakeLogind {
  readonly #bus: MessageBus;

  private constructor(bus: MessageBus) {
    this.#bus = bus;
  }

  static async on(bus: MessageBus): Promise<FakeLogind> {
    await bus.requestName('org.freedesktop.login1', 0);
    return new FakeLogind(bus);
  }

  /** Says that the host is about to sleep (true) or has woken (false), as org.freedesktop.login1(5) describes it. */
  prepareForSleep(before: boolean): void {
    sendPrepareForSleep(this.#bus, before);
  }

  async end(): Promise<void> {
    await this.#bus.close();
  }
}

/** Sends logind's signal from any connection, to everybody or straight to one. */
export function sendPrepareForSleep(bus: MessageBus, before: boolean, destination?: string): void {
  bus.connection.message({
    type: 4,
    serial: bus.serial++,
    path: '/org/freedesktop/login1',
    interface: 'org.freedesktop.login1.Manager',
    member: 'PrepareForSleep',
    signature: 'b',
    body: [before],
    ...(destination === undefined ? {} : { destination }),
  });
}
