import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { noNamespaces, noProgram, type Reason } from './reason.ts';

/** Why no network of our own can be made here. */
export const noPrivateNetwork: Reason =
  noProgram('ip', 'iproute2') ?? noProgram('nsenter', 'util-linux') ?? noNamespaces(['--net']);

/** A network namespace with nothing in it but loopback, for as long as a process of ours holds it. */
export class PrivateNetwork {
  readonly #holder: ChildProcess;

  constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async open(): Promise<PrivateNetwork> {
    const holder = spawn(
      'unshare',
      ['--net', 'sh', '-c', 'ip link set lo up && echo ready && exec sleep 100000'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await new Promise((resolve, reject) => {
      holder.stdout.once('data', resolve);
      holder.once('exit', () => {
        reject(new Error('no network namespace'));
      });
    });
    return new PrivateNetwork(holder);
  }

  /** The command and its arguments as they have to be started to run inside. */
  inside(command: string, ...args: readonly string[]): readonly [string, readonly string[]] {
    return ['nsenter', [`--net=/proc/${String(this.#holder.pid)}/ns/net`, command, ...args]];
  }

  /** Runs these commands of `ip` inside, in one go. Throws when one fails. */
  ip(...commands: readonly string[]): void {
    const [file, args] = this.inside('ip', '-batch', '-');
    const { status, stderr } = spawnSync(file, args, { input: `${commands.join('\n')}\n` });
    if (status !== 0) throw new Error(`ip ${commands.join('; ')}: ${stderr.toString()}`);
  }

  /** Ends the holder; the namespace goes with the last process in it. */
  close(): void {
    this.#holder.kill('SIGKILL');
  }
}
