import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

const FOLDERS = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'];

/** Why no network of our own can be made here with the command that would enable it, or `undefined`. */
export function noPrivateNetwork(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  const missing = ['ip', 'nsenter', 'unshare'].find(
    (program) => !FOLDERS.some((folder) => existsSync(`${folder}/${program}`)),
  );
  if (missing !== undefined) return `needs ${missing}: apt-get install iproute2 util-linux`;
  if (spawnSync('unshare', ['--net', 'true']).status !== 0)
    return 'needs the right to make a network namespace: run with --cap-add SYS_ADMIN,NET_ADMIN';
  return undefined;
}

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
