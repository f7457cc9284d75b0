import { execFileSync } from 'node:child_process';
import { noNamespaces, noProgram, type Reason } from './reason.ts';

/** Why no network of our own can be made here. */
export const noPrivateNetwork: Reason =
  noProgram('ip', 'iproute2') ?? noProgram('nsenter', 'util-linux') ?? noNamespaces(['--net']);

/** Networks that this process made so far. */
let made = 0;

/** A network namespace with nothing in it but loopback. */
export class PrivateNetwork {
  /** Tells the networks of this machine apart, those of other test runs too. At most 9 characters. */
  readonly id: string;
  readonly #name: string;

  constructor() {
    made += 1;
    this.id = `${process.pid.toString(36)}-${made.toString(36)}`;
    this.#name = `wf-${this.id}`;
    run('ip', ['netns', 'add', this.#name]);
    this.ip('link set lo up');
  }

  get name(): string {
    return this.#name;
  }

  /** What runs a program inside: put before its arguments. The program replaces it, so its pid is the program's. */
  get prefix(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.#name}`];
  }

  /** Runs these commands of `ip` inside, in one go. Throws when one fails. */
  ip(...commands: readonly string[]): void {
    this.run('ip', ['-batch', '-'], `${commands.join('\n')}\n`);
  }

  /** Runs a program inside, with `input` to read. Throws when it fails. */
  run(program: string, args: readonly string[], input = ''): void {
    const [file = '', ...before] = this.prefix;
    run(file, [...before, program, ...args], input);
  }

  /** Removes the namespace. Processes inside must have ended. */
  close(): void {
    run('ip', ['netns', 'del', this.#name]);
  }
}

/** Runs a program to its end; throws with what it said when it fails or takes more than 10 s. */
export function run(program: string, args: readonly string[], input = ''): void {
  execFileSync(program, args, { input, stdio: ['pipe', 'ignore', 'pipe'], timeout: 10_000 });
}
