/** What the host's networks are right now. */
export interface NetworkState {
  /** Whether any interface but loopback is up and has an address. */
  readonly online: boolean;
  /** Whether the connection in use is paid by volume; `unknown` where nothing can say. */
  readonly metered: boolean | 'unknown';
  /** Addresses of the interfaces that are up, loopback and link-local excepted. */
  readonly addresses: readonly NetworkAddress[];
  /** Default gateways. */
  readonly gateways: readonly string[];
  /** Search domains of the resolver, lower-case, without a trailing dot. */
  readonly dnsSuffixes: readonly string[];
}

/** An address of an interface. */
export interface NetworkAddress {
  readonly interface: string;
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  /** Length of the network's prefix in bits. */
  readonly prefix: number;
}

/** What a monitor reports. It calls back from its own tasks, never synchronously from `start`. */
export interface NetworkListener {
  /** Interfaces, addresses, routes or the resolver changed; several changes at once are one call. */
  readonly changed: (state: NetworkState) => void;
  /** The host woke from sleep. */
  readonly resumed: () => void;
  /** The host is about to sleep. */
  readonly suspending: () => void;
  /** The source ended or is missing and another, coarser one took over: one line for the log. */
  readonly degraded: (reason: string) => void;
}

/** Watches networks and power of this host. */
export interface NetworkMonitor {
  /** The state at this moment. Rejects never: what can't be read is empty or `unknown`. */
  readonly state: () => Promise<NetworkState>;
  readonly start: (listener: NetworkListener) => void;
  readonly stop: () => Promise<void>;
}
