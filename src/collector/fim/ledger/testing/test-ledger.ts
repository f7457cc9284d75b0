import { createHash, randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { FimRuleParams, type FimRule } from '../../../../shared/file-integrity.ts';
import { EdrEvent, FimEvent, type EventActor, type EventStream } from '../../../../shared/host-events.ts';
import { replay } from '../../../../../test/support/replay.ts';
import type { Os } from '../../../table.ts';
import { decodeHostText, encodeHostText } from '../../../text.ts';
import type { Attribution } from '../../change.ts';
import { Ledger, type LedgerHost } from '../ledger.ts';
import type { Examination, FromLedger } from '../messages.ts';

/** A wait this long, ms, means that nothing is left to do. */
const IDLE_MS = 600_000;

export const os = process.platform as Os;

/** A rule with what it leaves out filled in. */
export function rule(given: { id?: string; path: string } & Partial<Record<string, unknown>>): FimRule {
  const { id = 'rule', ...params } = given;
  return { id, ...FimRuleParams.parse({ kind: 'directory', ...params }) };
}

/** Somebody whom a source saw. */
export function actor(pid: number, more: Partial<Extract<EventActor, { state: 'known' }>> = {}): Attribution {
  return { actor: { state: 'known', process: { pid, executable: `/bin/p${pid}` }, ...more } };
}

/** What a source says of a path. */
export function examination(path: string, what: number, more: Partial<Examination> = {}): Examination {
  return { path, what, directory: false, at: Date.now(), by: {}, others: [], provider: 'test', ...more };
}

/** A ledger without a thread, whose clock stands still unless it waits, and what it said. */
export class TestLedger {
  readonly fim: FimEvent[] = [];
  readonly edr: EdrEvent[] = [];
  readonly said: FromLedger[] = [];
  /** Bodies as they were sent, by stream and sequence; one that is sent again must be the same. */
  readonly bodies = new Map<string, string>();
  readonly ledger: Ledger;
  takes = true;
  #elapsed = 0;
  #wake: { readonly ms: number; readonly call: () => void } | undefined;
  #batch = 0;

  constructor(file: string, more: Partial<LedgerHost> = {}) {
    this.ledger = new Ledger({
      file,
      os,
      now: () => Date.now() + this.#elapsed,
      elapsed: () => this.#elapsed,
      newId: randomUUID,
      schedule: (ms, call) => {
        this.#wake = { ms, call };
        return () => {
          this.#wake = undefined;
        };
      },
      post: (message) => {
        this.#heard(message);
      },
      settleMs: 0,
      ...more,
    });
  }

  /** Ms that passed since it was made. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** Lets time pass, ms. */
  pass(ms: number): void {
    this.#elapsed += ms;
  }

  /** One turn; returns whether there was one to take before idleness. */
  turn(): boolean {
    const wake = this.#wake;
    if (wake === undefined || wake.ms >= IDLE_MS) return false;
    this.#wake = undefined;
    this.#elapsed += wake.ms;
    wake.call();
    return true;
  }

  /** Turns until nothing is left to do. */
  drain(most = 1_000_000): this {
    for (let turns = 0; turns < most && this.turn(); turns += 1);
    return this;
  }

  rules(
    rules: readonly FimRule[],
    more: { own?: string[]; rescanHours?: number; sharePct?: number } = {},
  ): this {
    const { own = [], rescanHours = 24, sharePct = 100 } = more;
    this.ledger.receive({ kind: 'rules', rules, own, rescanHours, sharePct });
    return this;
  }

  /** Sends a batch; returns its number. */
  examine(...items: Examination[]): number {
    this.#batch += 1;
    this.ledger.receive({ kind: 'examine', batch: this.#batch, items });
    return this.#batch;
  }

  /** Events since the last call. */
  events(): FimEvent[] {
    return this.fim.splice(0);
  }

  /** Action, path below a directory, and what changed, of the events since the last call. */
  brief(root: string): string[] {
    return this.events().map(({ event, file, wayfarer }) => {
      const path = file.path.slice(root.length + 1);
      const previous =
        file.previous_path === undefined ? '' : ` < ${file.previous_path.slice(root.length + 1)}`;
      const changed = wayfarer.changed.filter((name) => name !== 'mtime' && name !== 'path').join(' ');
      return `${event.action} ${path}${previous}${changed === '' ? '' : `: ${changed}`}`;
    });
  }

  last<K extends FromLedger['kind']>(kind: K): Extract<FromLedger, { kind: K }> | undefined {
    return this.said.findLast(
      (message): message is Extract<FromLedger, { kind: K }> => message.kind === kind,
    );
  }

  stop(): void {
    this.ledger.receive({ kind: 'stop' });
  }

  #heard(message: FromLedger): void {
    if (message.kind !== 'events') {
      this.said.push(message);
      return;
    }
    const { stream, chain, events } = message;
    for (const { sequence, body } of events) this.#event(stream, `${stream} ${chain} ${sequence}`, body);
    const upTo = events.at(-1)?.sequence ?? 1;
    if (this.takes) this.ledger.receive({ kind: 'taken', stream, chain, upTo });
  }

  #event(stream: EventStream, key: string, body: string): void {
    const before = this.bodies.get(key);
    if (before === body) return;
    if (before !== undefined) throw new Error(`${key} was sent with two bodies`);
    this.bodies.set(key, body);
    if (stream === 'fim') this.fim.push(FimEvent.parse(JSON.parse(body)));
    else this.edr.push(EdrEvent.parse(JSON.parse(body)));
  }
}

/** Runs `use` in a new directory, real path, that is removed afterwards. */
export function inDirectory<T>(use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'wayfarer-ledger-'));
  try {
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A file as this listing sees it, without help of what is tested. */
export interface Listed {
  readonly type: string;
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
  readonly inode: string;
  readonly size?: number;
  readonly mtime?: string;
  readonly sha256?: string;
  readonly target?: string;
}

/** Everything below a directory, by encoded path. */
export function listing(directory: string, found = new Map<string, Listed>()): Map<string, Listed> {
  for (const name of readdirSync(directory, { encoding: 'buffer' })) {
    const bytes = Buffer.concat([Buffer.from(`${directory}/`), name]);
    const path = `${directory}/${decodeHostText(name)}`;
    const stat = lstatSync(bytes, { bigint: true });
    const type = stat.isDirectory()
      ? 'dir'
      : stat.isFile()
        ? 'file'
        : stat.isSymbolicLink()
          ? 'symlink'
          : 'other';
    found.set(encodeHostText(path, os), {
      type,
      mode: (stat.mode & 0o7777n).toString(8).padStart(4, '0'),
      uid: String(stat.uid),
      gid: String(stat.gid),
      inode: String(stat.ino),
      ...(type === 'file'
        ? { size: Number(stat.size), sha256: createHash('sha256').update(readFileSync(bytes)).digest('hex') }
        : {}),
      ...(type === 'file' || type === 'symlink'
        ? { mtime: new Date(Number(stat.mtimeNs / 1_000_000n)).toISOString() }
        : {}),
      ...(type === 'symlink' ? { target: readlinkSync(bytes, 'utf8') } : {}),
    });
    if (type === 'dir') listing(path, found);
  }
  return found;
}

/** A file as an event shows it. */
function listed(file: FimEvent['file']): Listed {
  return {
    type: file.type ?? '',
    mode: file.mode ?? '',
    uid: file.uid ?? '',
    gid: file.gid ?? '',
    inode: file.inode ?? '',
    ...(file.size === undefined ? {} : { size: file.size }),
    ...(file.hash === undefined ? {} : { sha256: file.hash.sha256 }),
    ...(file.mtime === undefined ? {} : { mtime: file.mtime }),
    ...(file.target_path === undefined ? {} : { target: file.target_path }),
  };
}

/** Applies events to a listing; throws on one that can't have happened there. */
export function apply(before: ReadonlyMap<string, Listed>, events: readonly FimEvent[]): Map<string, Listed> {
  const { listing: reached, impossible } = replay(before, events, listed);
  if (impossible.length > 0) throw new Error(impossible.join('\n'));
  return new Map(reached);
}

/** A watched directory with what `fill` puts there, its ledger after the first walk. */
export function watching(
  use: (root: string, ledger: TestLedger, file: string) => void,
  fill: (root: string) => void = () => undefined,
  rules: (root: string) => FimRule[] = (root) => [rule({ path: root })],
  more: Partial<LedgerHost> = {},
): void {
  inDirectory((directory) => {
    const root = join(directory, 'watched');
    mkdirSync(root);
    fill(root);
    const file = join(directory, 'ledger.db');
    const ledger = new TestLedger(file, more).rules(rules(root)).drain();
    expect(ledger.events()).toEqual([]);
    use(root, ledger, file);
    ledger.stop();
  });
}
