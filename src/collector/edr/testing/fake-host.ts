import type { Moment } from '../../fim/change.ts';
import { layOut } from '../../testing/host.ts';
import { Attributions } from '../attribution.ts';
import type { HostClock } from '../clock.ts';
import type { MessageOf, ProcessMessage } from '../connector/decode.ts';
import { ProcessTable } from '../process-table.ts';
import type { ProcessRead } from '../read-process.ts';
import { Users } from '../users.ts';

/** A host of which a test says what /proc has and what the kernel told, at a clock that the test moves. */
export class FakeHost {
  now = 1_000_000;
  readonly proc = new Map<number, ProcessRead>();
  readonly table: ProcessTable;
  readonly attributions: Attributions;

  constructor() {
    const monotonic = (): number => this.now;
    const clock: HostClock = {
      monotonic,
      ticksAt: (at) => Math.floor(at / 10),
      wallAt: (at) => at,
      wallOfTicks: (ticks) => ticks * 10,
    };
    const read = (pid: number): ProcessRead | undefined => this.proc.get(pid);
    this.table = new ProcessTable({ clock, read, start: read, list: () => [...this.proc.keys()] });
    const root = layOut({ '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n' });
    this.attributions = new Attributions(this.table, new Users({ root, os: 'linux' }, monotonic));
  }

  /** What /proc says of a pid from now on. */
  runs(pid: number, path: string | undefined, more: Partial<ProcessRead> = {}): void {
    const before = this.proc.get(pid);
    this.proc.set(pid, {
      pid,
      startTicks: before?.startTicks ?? Math.floor(this.now / 10),
      parent: before?.parent ?? 1,
      name: path?.split('/').at(-1)?.slice(0, 15) ?? 'gone',
      threads: 1,
      forkedOnly: false,
      executable: path,
      file: {
        dev: 1n,
        ino: BigInt(path?.length ?? 0),
        size: 1n,
        mtimeNs: 1n,
        ctimeNs: 1n,
        uid: 0,
        mode: 0o100755,
      },
      isPlaced: true,
      arguments: Buffer.from(path === undefined ? '' : `${path}\0`),
      uid: before?.uid ?? { real: 0, effective: 0 },
      loginUid: undefined,
      ...more,
    });
  }

  fork(parent: number, pid: number, thread = pid): void {
    this.table.forked({ ...this.#common(pid, thread), kind: 'fork', parent });
  }

  /** The kernel's event; what /proc says is for the test to set, before or after. */
  exec(pid: number, at = this.now): void {
    this.table.executed({ ...this.#common(pid), kind: 'exec', at });
  }

  exit(pid: number, thread = pid): ReturnType<ProcessTable['exited']> {
    const message: MessageOf<'exit'> = { ...this.#common(pid, thread), kind: 'exit', status: 0, parent: 1 };
    return this.table.exited(message);
  }

  uid(pid: number, effective: number): ReturnType<ProcessTable['userChanged']> {
    return this.table.userChanged({ ...this.#common(pid), kind: 'uid', real: effective, effective });
  }

  /** Who did something in the last `ms`: a program, or why none is named. */
  who(pid: number, ms: number, noExecAfter?: (device: bigint) => boolean): string {
    return this.#said(pid, { since: this.now - ms, until: this.now, noExecAfter });
  }

  /** `who` of a process that was gone when it was read what it did. */
  whoIsGone(pid: number, ms: number): string {
    return this.#said(pid, { since: this.now - ms, until: this.now, isGone: true });
  }

  #said(pid: number, moment: Moment): string {
    const { actor } = this.attributions.of(pid, moment);
    return actor.state === 'known' ? (actor.process.executable ?? '') : `? ${actor.reason}`;
  }

  #common(pid: number, thread = pid): Omit<ProcessMessage & { kind: 'exec' }, 'kind'> {
    return { cpu: 0, sequence: 0, at: this.now, pid, thread };
  }
}
