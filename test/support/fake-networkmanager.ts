import type { MessageBus } from 'dbus-native';

const NAME = 'org.freedesktop.NetworkManager';
const PATH = '/org/freedesktop/NetworkManager';

/** A double of NetworkManager on a bus of our own: its property `Metered` and the signal of its change. */
export class FakeNetworkManager {
  readonly #bus: MessageBus;
  readonly #state: { Metered: number };

  private constructor(bus: MessageBus, state: { Metered: number }) {
    this.#bus = bus;
    this.#state = state;
  }

  /** `metered` as NetworkManager's NMMetered: 0 unknown, 1 yes, 2 no, 3 guessed yes, 4 guessed no. */
  static async on(bus: MessageBus, metered: number): Promise<FakeNetworkManager> {
    const state = { Metered: metered };
    bus.exportInterface(state, PATH, { name: NAME, properties: { Metered: 'u' } });
    await bus.requestName(NAME, 0);
    return new FakeNetworkManager(bus, state);
  }

  set metered(metered: number) {
    this.#state.Metered = metered;
    this.#bus.emitPropertiesChanged(PATH, NAME, { Metered: metered });
  }

  async end(): Promise<void> {
    await this.#bus.close();
  }
}
