import type { Message, MessageBus } from 'dbus-native';
import type { Clock } from '../../clock.ts';
import { Timer } from './timer.ts';
import { BusReader, MATCH_RULES, type HostEvents, type MethodCall } from './bus-reader.ts';

/** What a connection that comes and goes reports beside what it hears. */
export interface BusEvents extends Omit<HostEvents, 'logind'> {
  /** Nobody tells of sleep, and perhaps nobody of metered networks. */
  readonly down: (reason: string) => void;
  readonly up: () => void;
}

/** Where the specification puts the bus; DBUS_SYSTEM_BUS_ADDRESS names another. */
const DEFAULT_ADDRESS = 'unix:path=/run/dbus/system_bus_socket';

/** Time for each answer of the bus, ms, unless told. */
const ANSWER_MS = 10_000;
/** Largest message that is read, bytes. All that we asked for are below 10 KB. */
const MAX_MESSAGE = 1024 * 1024;
/** Pauses between two attempts to connect, ms: doubled from the first to the last. */
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;

/**
 * Socket of the first usable address in a list (D-Bus specification, "Server Addresses"); `undefined` without one. Only
 * Unix sockets: other transports start programs or cross the network, which root does not do for an address.
 */
export function busSocket(addresses: string): string | undefined {
  for (const address of addresses.split(';')) {
    const match = /^unix:(?:.*,)?(path|abstract)=([^,]+)/.exec(address);
    if (match?.[2] === undefined) continue;
    const name = unescape(match[2]);
    if (name !== undefined) return match[1] === 'abstract' ? `\0${name}` : name;
  }
  return undefined;
}

/** Listens to the system bus, and connects again whenever that ends. */
export class SystemBus {
  readonly #socket: string | undefined;
  readonly #timer: Timer;
  readonly #answerMs: number;
  #events: BusEvents | undefined;
  #bus: MessageBus | undefined;
  #session: Promise<void> = Promise.resolve();
  #pause = FIRST_PAUSE_MS;

  /** `answerMs` is how long each answer may take. */
  constructor(clock: Clock, address = DEFAULT_ADDRESS, answerMs = ANSWER_MS) {
    this.#answerMs = answerMs;
    this.#timer = new Timer(clock);
    this.#socket = busSocket(address);
  }

  /** Begins to listen. Resolves when the bus has told what it knows, or can't be reached at first. */
  start(events: BusEvents): Promise<void> {
    this.#events = events;
    return new Promise((resolve) => {
      this.#connect(resolve);
    });
  }

  /** Resolves when the connection is closed; nothing is reported from the call on. */
  async stop(): Promise<void> {
    this.#events = undefined;
    this.#timer.cancel();
    this.#bus?.connection.stream.destroy();
    await this.#session;
  }

  /** Runs one connection to its end; calls back once, when it is set up or has failed. */
  #connect(settled: () => void = () => undefined): void {
    this.#session = this.#listen(settled)
      .catch((error: unknown) => {
        this.#lost(error instanceof Error ? error.message : String(error));
      })
      .finally(settled);
  }

  /** Never resolves while somebody listens: rejects with what ended the connection. */
  async #listen(settled: () => void): Promise<void> {
    if (this.#socket === undefined) throw new Error('its address names no Unix socket');
    // Loaded on use: 1 MB that systems without such a bus do not pay.
    const { createClient } = (await import('dbus-native')).default;
    if (this.#events === undefined) return;
    // Without `direct` the library says Hello by itself, and throws out of a timer when nobody answers.
    const bus = createClient({
      socket: this.#socket,
      authMethods: ['EXTERNAL'],
      direct: true,
      maxMessageSize: MAX_MESSAGE,
      timeout: this.#answerMs,
    });
    const end = endOf(bus);
    this.#bus = bus;
    try {
      await Promise.race([end, this.#setUp(bus, this.#events)]);
      this.#pause = FIRST_PAUSE_MS;
      settled();
      await end;
    } finally {
      this.#bus = undefined;
      bus.connection.stream.destroy();
    }
  }

  async #setUp(bus: MessageBus, events: BusEvents): Promise<void> {
    const reader = new BusReader((call) => invoke(bus, call), this.#passOn(events));
    bus.name = await bus.invokeDbus<string>({ member: 'Hello' });
    bus.connection.on('message', (message: Message) => {
      reader.receive(message);
    });
    for (const rule of MATCH_RULES) await bus.addMatch(rule);
    await reader.begin();
  }

  /** Passes on what is heard while somebody listens. Without logind nobody tells of sleep. */
  #passOn(events: BusEvents): HostEvents {
    const whileHeard = (report: () => void): void => {
      if (this.#events === events) report();
    };
    return {
      suspending: () => {
        whileHeard(events.suspending);
      },
      woke: () => {
        whileHeard(events.woke);
      },
      metered: (metered) => {
        whileHeard(() => {
          events.metered(metered);
        });
      },
      logind: (present) => {
        whileHeard(() => {
          if (present) events.up();
          else events.down('logind is not running');
        });
      },
    };
  }

  #lost(reason: string): void {
    const events = this.#events;
    if (events === undefined) return;
    events.down(reason);
    // A bus that restarts is back at the first attempt, and so is what it knew.
    if (this.#pause > FIRST_PAUSE_MS) events.metered('unknown');
    this.#timer.set(this.#pause, () => {
      this.#connect();
    });
    this.#pause = Math.min(2 * this.#pause, LAST_PAUSE_MS);
  }
}

/** Rejects when the connection has ended, with the cause. */
function endOf({ connection }: MessageBus): Promise<never> {
  const end = new Promise<never>((_, reject) => {
    connection.on('error', reject);
    connection.on('handlerError', reject);
    connection.on('close', (cause) => {
      reject(cause ?? new Error('it closed the connection'));
    });
  });
  end.catch(() => undefined);
  return end;
}

/** As a call of the library, with a reply but without starting a service (flag NO_AUTO_START). */
async function invoke(bus: MessageBus, call: MethodCall): Promise<unknown> {
  return bus.invoke<unknown>({ ...call, body: [...call.body], flags: 0x2 });
}

/** Undoes the escapes of an address: `%` and two hexadecimal digits. */
function unescape(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
