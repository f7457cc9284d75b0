import { execFileSync } from 'node:child_process';

/** Numbers already in use by networks of this process. */
let made = 0;

/**
 * A laptop's network: a namespace of its own that one cable (a veth pair) joins to this machine, which plays the
 * internet. The cable can be pulled, slowed, made to lose packets, and its address changed. Needs root, iproute2 and
 * nftables.
 */
export class LaptopNetwork {
  readonly namespace: string;
  /** This machine's end of the cable: where platform and proxies listen. */
  readonly address: string;
  readonly #near: string;
  readonly #far: string;
  readonly #subnet: string;
  #laptop: string;
  #plugged = true;

  constructor() {
    const n = (process.pid % 20_000) * 4 + (made += 1);
    this.namespace = `wf-${n.toString(36)}`;
    this.#near = `wfn${n.toString(36)}`;
    this.#far = `wff${n.toString(36)}`;
    this.#subnet = `10.77.${n % 256}`;
    this.address = `${this.#subnet}.1`;
    this.#laptop = `${this.#subnet}.2`;
    ip('netns', 'add', this.namespace);
    ip('link', 'add', this.#near, 'type', 'veth', 'peer', 'name', this.#far, 'netns', this.namespace);
    ip('addr', 'add', `${this.address}/24`, 'dev', this.#near);
    ip('link', 'set', this.#near, 'up');
    this.#inside('link', 'set', 'lo', 'up');
    this.#inside('addr', 'add', `${this.#laptop}/24`, 'dev', this.#far);
    this.restore();
  }

  /** What runs a program inside: put before its arguments. The program replaces it, so its pid is the program's. */
  get prefix(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.namespace}`];
  }

  /** Pulls the cable. */
  cut(): void {
    this.#plugged = false;
    this.#inside('link', 'set', this.#far, 'down');
  }

  /** Plugs it in again, with the default route that goes with it. */
  restore(): void {
    this.#plugged = true;
    this.#inside('link', 'set', this.#far, 'up');
    this.#inside('route', 'replace', 'default', 'via', this.address);
  }

  /** Gives the laptop another address of the network, 2–254: what was connected breaks. */
  readdress(last: number): void {
    const next = `${this.#subnet}.${last}`;
    if (next === this.#laptop) return;
    // The old one first: with it goes every other address of its network that came later.
    this.#inside('addr', 'del', `${this.#laptop}/24`, 'dev', this.#far);
    this.#inside('addr', 'add', `${next}/24`, 'dev', this.#far);
    this.#laptop = next;
    if (this.#plugged) this.restore();
  }

  /** Limits what the laptop sends, kbit/s; 0 ends the limit. */
  limitRate(kbit: number): void {
    const qdisc = ['qdisc', kbit === 0 ? 'del' : 'replace', 'dev', this.#far, 'root'];
    const shape = kbit === 0 ? [] : ['tbf', 'rate', `${kbit}kbit`, 'burst', '16k', 'latency', '500ms'];
    run('ip', 'netns', 'exec', this.namespace, 'tc', ...qdisc, ...shape);
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
    run('ip', 'netns', 'exec', this.namespace, 'nft', rules.join('; '));
  }

  /** Removes namespace and cable. Processes inside must have ended. */
  close(): void {
    ip('netns', 'del', this.namespace);
    // The namespace's end goes with it at once or a little later; the pair goes with either end.
    try {
      ip('link', 'del', this.#near);
    } catch {
      // It has gone already.
    }
  }

  #inside(...args: readonly string[]): void {
    ip('-n', this.namespace, ...args);
  }
}

const ip = (...args: readonly string[]): void => {
  run('ip', ...args);
};

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 10_000 });
}
