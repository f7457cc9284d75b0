/** Bounds on what strangers on the network may ask of the endpoint. */
export interface DoorLimits {
  /** Connections at one time: of all addresses, and of one. */
  readonly connections: number;
  readonly perAddress: number;
  /** Connections begun within one second: of all addresses, and of one. */
  readonly perSecond: number;
  readonly perSecondAndAddress: number;
}

export const DOOR_LIMITS: DoorLimits = {
  connections: 16,
  perAddress: 4,
  perSecond: 100,
  perSecondAndAddress: 10,
};

/**
 * Counts connections and decides which ones come in. Keeps at most one entry per admitted connection, so that a flood
 * from many addresses costs no memory.
 */
export class Doorkeeper {
  readonly #limits: DoorLimits;
  readonly #inside = new Map<string, number>();
  #total = 0;
  #second = 0;
  #begun = new Map<string, number>();
  #begunTotal = 0;

  constructor(limits: DoorLimits = DOOR_LIMITS) {
    this.#limits = limits;
  }

  /** Whether a connection from `address` may stay, at `now` in ms. One that may is to be told off with `leave`. */
  admit(address: string, now: number): boolean {
    this.#turn(Math.floor(now / 1000));
    const inside = this.#inside.get(address) ?? 0;
    const begun = this.#begun.get(address) ?? 0;
    const { connections, perAddress, perSecond, perSecondAndAddress } = this.#limits;
    if (this.#total >= connections || inside >= perAddress) return false;
    if (this.#begunTotal >= perSecond || begun >= perSecondAndAddress) return false;
    this.#total += 1;
    this.#begunTotal += 1;
    this.#inside.set(address, inside + 1);
    this.#begun.set(address, begun + 1);
    return true;
  }

  /** A connection that was admitted is over. */
  leave(address: string): void {
    const inside = this.#inside.get(address);
    if (inside === undefined) return;
    this.#total -= 1;
    if (inside === 1) this.#inside.delete(address);
    else this.#inside.set(address, inside - 1);
  }

  /** A clock that was set back begins a new second, too. */
  #turn(second: number): void {
    if (second === this.#second) return;
    this.#second = second;
    this.#begun = new Map();
    this.#begunTotal = 0;
  }
}
