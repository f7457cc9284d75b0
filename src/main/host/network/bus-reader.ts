import { z } from 'zod';

/*
 * What the agent reads from the system bus. Interfaces: org.freedesktop.login1(5), NetworkManager's D-Bus reference,
 * and the D-Bus specification for the bus itself.
 */

const BUS = 'org.freedesktop.DBus';
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const LOGIND = { name: 'org.freedesktop.login1', path: '/org/freedesktop/login1' } as const;
const LOGIND_MANAGER = 'org.freedesktop.login1.Manager';
const NETWORK_MANAGER = {
  name: 'org.freedesktop.NetworkManager',
  path: '/org/freedesktop/NetworkManager',
} as const;

/** Signals that the bus is asked to send; everything else stays with it and wakes nobody. */
export const MATCH_RULES: readonly string[] = [
  ...[LOGIND.name, NETWORK_MANAGER.name].map(
    (name) => `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${name}'`,
  ),
  `type='signal',sender='${LOGIND.name}',path='${LOGIND.path}',interface='${LOGIND_MANAGER}',member='PrepareForSleep'`,
  `type='signal',sender='${NETWORK_MANAGER.name}',path='${NETWORK_MANAGER.path}',interface='${PROPERTIES}',` +
    `member='PropertiesChanged',arg0='${NETWORK_MANAGER.name}'`,
];

/** Whether the network in use is paid by volume; `unknown` where nothing says. */
export type Metered = boolean | 'unknown';

/** What the bus tells about the host. */
export interface HostEvents {
  readonly suspending: () => void;
  /** The host woke, or its sleep came to nothing. */
  readonly woke: () => void;
  readonly metered: (metered: Metered) => void;
  /** Whether logind is there to tell of sleep. */
  readonly logind: (present: boolean) => void;
}

/** Calls a method; resolves with its only result, rejects with what the bus or the service answered. */
export type Invoke = (call: MethodCall) => Promise<unknown>;

export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly string[];
}

const Signal = z.object({
  type: z.literal(4),
  sender: z.string(),
  path: z.string(),
  interface: z.string(),
  member: z.string(),
  body: z.array(z.unknown()),
});
type Signal = z.output<typeof Signal>;

const NameOwnerChanged = z.tuple([z.string(), z.string(), z.string()]);
const PrepareForSleep = z.tuple([z.boolean()]);
const PropertiesChanged = z.tuple([
  z.literal(NETWORK_MANAGER.name),
  z.record(z.string(), z.unknown()),
  z.array(z.string()),
]);

/** NMMetered: unknown, yes, no, and both as a guess from the kind of network. */
const METERED: ReadonlyMap<unknown, Metered> = new Map([
  [1, true],
  [2, false],
  [3, true],
  [4, false],
]);

/**
 * Reads the signals of one connection to the system bus. Any user may send a signal straight to the agent, past the
 * match rules, so each is believed only from the connection that owns the service's name; which one that is the bus
 * itself tells.
 */
export class BusReader {
  readonly #invoke: Invoke;
  readonly #events: HostEvents;
  readonly #owners = new Map<string, string>();

  constructor(invoke: Invoke, events: HostEvents) {
    this.#invoke = invoke;
    this.#events = events;
  }

  /** Learns who is there, once the match rules are set. Rejects when the bus does not answer. */
  async begin(): Promise<void> {
    for (const { name } of [LOGIND, NETWORK_MANAGER]) {
      const owner = await this.#ownerOf(name);
      if (owner !== undefined) this.#owners.set(name, owner);
    }
    this.#events.logind(this.#owners.has(LOGIND.name));
    await this.#readMetered();
  }

  /** Takes any message of the connection; what isn't an expected signal of the right sender is passed over. */
  receive(message: unknown): void {
    const parsed = Signal.safeParse(message);
    if (!parsed.success) return;
    const signal = parsed.data;
    if (is(signal, BUS, 'NameOwnerChanged') && signal.sender === BUS) this.#ownerChanged(signal.body);
    else if (this.#isOf(signal, LOGIND) && is(signal, LOGIND_MANAGER, 'PrepareForSleep'))
      this.#sleep(signal.body);
    else if (this.#isOf(signal, NETWORK_MANAGER) && is(signal, PROPERTIES, 'PropertiesChanged'))
      this.#propertiesChanged(signal.body);
  }

  #isOf(signal: Signal, service: typeof LOGIND | typeof NETWORK_MANAGER): boolean {
    return signal.path === service.path && signal.sender === this.#owners.get(service.name);
  }

  #ownerChanged(body: unknown): void {
    const parsed = NameOwnerChanged.safeParse(body);
    if (!parsed.success) return;
    const [name, , owner] = parsed.data;
    if (owner === '') this.#owners.delete(name);
    else this.#owners.set(name, owner);
    if (name === LOGIND.name) this.#events.logind(owner !== '');
    if (name === NETWORK_MANAGER.name) void this.#readMetered();
  }

  #sleep(body: unknown): void {
    const parsed = PrepareForSleep.safeParse(body);
    if (!parsed.success) return;
    if (parsed.data[0]) this.#events.suspending();
    else this.#events.woke();
  }

  #propertiesChanged(body: unknown): void {
    const parsed = PropertiesChanged.safeParse(body);
    if (!parsed.success) return;
    const [, changed, invalidated] = parsed.data;
    if ('Metered' in changed) this.#events.metered(METERED.get(changed['Metered']) ?? 'unknown');
    else if (invalidated.includes('Metered')) void this.#readMetered();
  }

  async #ownerOf(name: string): Promise<string | undefined> {
    try {
      const call = { destination: BUS, path: '/org/freedesktop/DBus', interface: BUS };
      return z
        .string()
        .parse(await this.#invoke({ ...call, member: 'GetNameOwner', signature: 's', body: [name] }));
    } catch (error) {
      if (dbusName(error) === 'org.freedesktop.DBus.Error.NameHasNoOwner') return undefined;
      throw error;
    }
  }

  /** Asks the connection that owns the name now, so that asking starts no service. */
  async #readMetered(): Promise<void> {
    const owner = this.#owners.get(NETWORK_MANAGER.name);
    const answer = owner === undefined ? undefined : await this.#askMetered(owner);
    if (owner === this.#owners.get(NETWORK_MANAGER.name))
      this.#events.metered(METERED.get(answer) ?? 'unknown');
  }

  async #askMetered(owner: string): Promise<unknown> {
    try {
      return await this.#invoke({
        destination: owner,
        path: NETWORK_MANAGER.path,
        interface: PROPERTIES,
        member: 'Get',
        signature: 'ss',
        body: [NETWORK_MANAGER.name, 'Metered'],
      });
    } catch {
      return undefined;
    }
  }
}

const is = (signal: Signal, from: string, member: string): boolean =>
  signal.interface === from && signal.member === member;

const dbusName = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'dbusName' in error ? error.dbusName : undefined;
