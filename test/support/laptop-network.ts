import { PrivateNetwork, run } from './private-network.ts';

/** Subnets that this process took so far. */
let taken = 0;

/**
 * A laptop's network: a namespace of its own that one cable (a veth pair) joins to this machine, which plays the
 * internet. The cable can be pulled, slowed, made to lose packets, and its address changed. Needs root, iproute2 and
 * nftables.
 */
export class LaptopNetwork {
  /** This machine's end of the cable: where platform and proxies listen. */
  readonly address: string;
  readonly #inside = new PrivateNetwork();
  readonly #near: string;
  readonly #far: string;
  readonly #subnet: string;
  #laptop: string;
  #plugged = true;

  constructor() {
    const { id, name } = this.#inside;
    this.#near = `wfn-${id}`;
    this.#far = `wff-${id}`;
    this.#subnet = nextSubnet();
    this.address = `${this.#subnet}.1`;
    this.#laptop = `${this.#subnet}.2`;
    run('ip', ['link', 'add', this.#near, 'type', 'veth', 'peer', 'name', this.#far, 'netns', name]);
    run('ip', ['addr', 'add', `${this.address}/24`, 'dev', this.#near]);
    run('ip', ['link', 'set', this.#near, 'up']);
    this.#inside.ip(`addr add ${this.#laptop}/24 dev ${this.#far}`);
    this.restore();
  }

  /** As `PrivateNetwork.prefix`. */
  get prefix(): readonly string[] {
    return this.#inside.prefix;
  }

  /** Pulls the cable. */
  cut(): void {
    this.#plugged = false;
    this.#inside.ip(`link set ${this.#far} down`);
  }

  /** Plugs it in again, with the default route that goes with it. */
  restore(): void {
    this.#plugged = true;
    this.#inside.ip(`link set ${this.#far} up`, `route replace default via ${this.address}`);
  }

  /** Gives the laptop another address of the network, 2–254: what was connected breaks. */
  readdress(last: number): void {
    const next = `${this.#subnet}.${last}`;
    if (next === this.#laptop) return;
    // The old one first: with it goes every other address of its network that came later.
    this.#inside.ip(`addr del ${this.#laptop}/24 dev ${this.#far}`, `addr add ${next}/24 dev ${this.#far}`);
    this.#laptop = next;
    if (this.#plugged) this.restore();
  }

  /** Limits what the laptop sends, kbit/s; 0 ends the limit. */
  limitRate(kbit: number): void {
    const qdisc = ['qdisc', kbit === 0 ? 'del' : 'replace', 'dev', this.#far, 'root'];
    const shape = kbit === 0 ? [] : ['tbf', 'rate', `${kbit}kbit`, 'burst', '16k', 'latency', '500ms'];
    this.#inside.run('tc', [...qdisc, ...shape]);
  }

  /** Loses this share of the packets that the laptop sends, per cent; 0 loses none. */
  lose(percent: number): void {
    // Made before it is deleted, so that there is one to delete.
    const rules = ['table inet wf', 'delete table inet wf'];
    if (percent > 0) {
      rules.push(
        'add table inet wf',
        'add chain inet wf out { type filter hook output priority 0; }',
        `add rule inet wf out oifname ${this.#far} numgen random mod 100 < ${percent} drop`,
      );
    }
    this.#inside.run('nft', [rules.join('; ')]);
  }

  /** Removes namespace and cable. Processes inside must have ended. */
  close(): void {
    this.#inside.close();
    // The namespace's end goes with it at once or a little later; the pair goes with either end.
    try {
      run('ip', ['link', 'del', this.#near]);
    } catch {
      // It has gone already.
    }
  }
}

/** The first three numbers of a subnet that no other test run is likely to have: four for each of 4096 process ids. */
function nextSubnet(): string {
  const n = (process.pid % 4096) * 4 + (taken++ % 4);
  return `10.${String(64 + (n >> 8))}.${String(n % 256)}`;
}
