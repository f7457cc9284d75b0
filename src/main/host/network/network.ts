/** What the host's networks are right now. */
export interface NetworkState {
  /** Whether there is any of `addresses`: an interface that is up and leads somewhere. */
  readonly online: boolean;
  /** Whether the connection in use is paid by volume; `unknown` where nothing can say. */
  readonly metered: boolean | 'unknown';
  /**
   * Addresses of the interfaces that are up, sorted; without loopback, link-local ones, and the bridges of containers
   * and virtual machines that carry no default route.
   */
  readonly addresses: readonly NetworkAddress[];
  /** Addresses of the default gateways, sorted; IPv6 as RFC 5952 writes it, without a zone. */
  readonly gateways: readonly string[];
  /** Search domains of the resolver in its order, lower-case, without a trailing dot. */
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
  /** The network changes so often that `changed` comes at most every `pause` s; again with each such call. */
  readonly unstable: (flapping: Flapping) => void;
  /** It no longer does; the last state has been reported. */
  readonly stable: () => void;
}

/** How often the network changed of late. */
export interface Flapping {
  /** Changes seen within the last `seconds`. */
  readonly count: number;
  readonly seconds: number;
  /** Seconds between two reports while it lasts. */
  readonly pause: number;
}

/** Watches networks and power of this host. */
export interface NetworkMonitor {
  /** The state at this moment. Rejects never: what can't be read is empty or `unknown`. */
  readonly state: () => Promise<NetworkState>;
  /** Reports from now on whatever differs from the last `state()`. Once. */
  readonly start: (listener: NetworkListener) => void;
  /** Resolves when nothing of the monitor runs any more; afterwards nothing is reported. */
  readonly stop: () => Promise<void>;
}
