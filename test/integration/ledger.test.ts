import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/bundles.ts';
import { FimEvent } from '../../src/shared/host-events.ts';
import { FimRuleParams, type FimRule } from '../../src/shared/file-integrity.ts';
import { chainFault, CHAIN_START, headOf } from '../../src/wire/event-chain.ts';
import { CHANGE } from '../../src/collector/fim/change.ts';
import type { Examination, FromLedger, ToLedger } from '../../src/collector/fim/ledger/messages.ts';
import { apply, listing } from '../../src/collector/fim/ledger/testing/test-ledger.ts';
import { because, noLinuxRoot } from '../support/reason.ts';
import { until } from '../support/until.ts';

const PROCESS = fileURLToPath(new URL('../support/ledger-process.ts', import.meta.url));

/** Kills of one run; each falls at another moment of the work. */
const KILLS = 25;
const DIRECTORIES = 40;
const FILES = 15;

/** A source of numbers below one that gives the same each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What the core sees of a ledger over all its lives: events by chain and number. */
class Core {
  readonly bodies = new Map<string, string>();
  readonly messages: FromLedger[] = [];
  #child: ChildProcess | undefined;

  start(file: string, rules: readonly FimRule[], sharePct = 100): void {
    this.messages.length = 0;
    const child = fork(PROCESS, [file], { stdio: 'inherit' });
    this.#child = child;
    child.on('message', (message) => {
      this.#heard(child, message as FromLedger);
    });
    this.send({ kind: 'rules', rules, own: [], rescanHours: 24, sharePct });
  }

  send(message: ToLedger): void {
    if (this.#child?.connected === true) this.#child.send(message);
  }

  async end(signal: 'SIGKILL' | 'stop'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (signal === 'stop') child.send({ kind: 'stop' });
    else child.kill(signal);
    await ended;
  }

  /** The newest message of a kind that fits. */
  find<K extends FromLedger['kind']>(
    kind: K,
    fits: (message: Extract<FromLedger, { kind: K }>) => boolean = () => true,
  ): Extract<FromLedger, { kind: K }> | undefined {
    return this.messages.findLast(
      (message): message is Extract<FromLedger, { kind: K }> =>
        message.kind === kind && fits(message as Extract<FromLedger, { kind: K }>),
    );
  }

  count(kind: FromLedger['kind']): number {
    return this.messages.filter((message) => message.kind === kind).length;
  }

  /** All events in the order of the chain; throws if it is broken. */
  events(): FimEvent[] {
    const events = [...this.bodies.values()]
      .map((body) => FimEvent.parse(JSON.parse(body)))
      .sort((a, b) => a.wayfarer.chain.sequence - b.wayfarer.chain.sequence);
    let head = { id: events[0]?.wayfarer.chain.id ?? '', sequence: 0, hash: CHAIN_START };
    for (const event of events) {
      const fault = chainFault(event, head);
      if (fault !== undefined) throw new Error(`the chain is broken at ${head.sequence + 1}: ${fault}`);
      head = headOf(event);
    }
    return events;
  }

  #heard(child: ChildProcess, message: FromLedger): void {
    this.messages.push(message);
    if (message.kind !== 'events') return;
    const { stream, chain, events } = message;
    for (const { sequence, body } of events) {
      const key = `${chain} ${sequence}`;
      const known = this.bodies.get(key);
      if (known !== undefined && known !== body) throw new Error(`${key} came with two bodies`);
      this.bodies.set(key, body);
    }
    const upTo = events.at(-1)?.sequence ?? 1;
    if (child.connected) child.send({ kind: 'taken', stream, chain, upTo });
  }
}

const rulesFor = (path: string): FimRule[] => [
  { id: 'rule', ...FimRuleParams.parse({ kind: 'directory', path }) },
];

function examination(path: string, what: number, more: Partial<Examination> = {}): Examination {
  return { path, what, directory: false, at: Date.now(), by: {}, others: [], provider: 'test', ...more };
}

let directory = '';
let root = '';
let file = '';
let core = new Core();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wayfarer-ledger-'));
  root = join(directory, 'watched');
  file = join(directory, 'state/ledger.db');
  core = new Core();
  for (let n = 0; n < DIRECTORIES; n += 1) {
    mkdirSync(join(root, `d${n}`), { recursive: true });
    for (let m = 0; m < FILES; m += 1) writeFileSync(join(root, `d${n}`, `f${m}`), `${n} ${m}`);
  }
});

afterEach(async () => {
  await core.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** One change of the tree, and what a source says of it. */
function change(next: () => number, n: number): Examination[] {
  const { created, modified, deleted, movedFrom, movedTo } = CHANGE;
  const at = join(root, `d${Math.floor(next() * DIRECTORIES)}`);
  const old = join(at, `f${Math.floor(next() * FILES)}`);
  const kind = Math.floor(next() * 5);
  try {
    if (kind === 0) {
      rmSync(old);
      return [examination(old, deleted)];
    }
    if (kind === 1) {
      statSync(old);
      appendFileSync(old, 'more');
      return [examination(old, modified)];
    }
    if (kind === 2) {
      const path = join(at, `new${n}`);
      renameSync(old, path);
      return [examination(old, movedFrom), examination(path, movedTo, { from: old })];
    }
    if (kind === 3) {
      const path = join(root, `moved${n}`);
      renameSync(at, path);
      return [
        examination(at, movedFrom, { directory: true }),
        examination(path, movedTo, { directory: true, from: at }),
      ];
    }
    const path = join(at, `made${n}`);
    writeFileSync(path, String(n));
    return [examination(path, created | modified)];
  } catch {
    return [];
  }
}

describe('a ledger whose process is killed', () => {
  it('R199 R200 loses no net change, reports none twice and breaks no chain, wherever the kill falls', async () => {
    const next = random(20_261_128);
    core.start(file, rulesFor(root));
    await until('the first walk', () => core.find('baseline', ({ state }) => state === 'complete'));
    expect(core.events()).toEqual([]);
    const before = listing(root);
    let batch = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const changes = 1 + Math.floor(next() * 12);
      for (let n = 0; n < changes; n += 1) {
        batch += 1;
        core.send({ kind: 'examine', batch, items: change(next, batch) });
      }
      // Every other time while the changes are looked at, else somewhere in the start that follows.
      if (kill % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      else await until('a sign of life', () => core.messages.at(0));
      await core.end('SIGKILL');
      core.start(file, rulesFor(root));
    }
    await core.end('SIGKILL');
    core.start(file, rulesFor(root));
    const walked = await until('the last walk', () =>
      core.find('baseline', ({ completedAt }) => completedAt !== null),
    );
    const since = walked.completedAt ?? 0;
    core.send({ kind: 'lost', lost: { reason: 'overflow', below: [] } });
    await until('a walk after it', () =>
      core.find('baseline', ({ completedAt }) => (completedAt ?? 0) > since),
    );
    const expected = listing(root);
    await until('all events', () => {
      expect(apply(new Map(before), core.events())).toEqual(expected);
      return true;
    });
    await core.end('stop');
  });

  it('goes on with its first walk instead of starting over', async () => {
    // A tree that is old, large, and walked slowly enough to be cut off in the middle.
    const rules = rulesFor('/usr/share');
    const starts: number[] = [];
    for (let life = 0; life < 4; life += 1) {
      core.start(file, rules, 10);
      starts.push((await until('a report', () => core.find('baseline'))).entries);
      // Every report is at least a second after the one before, and every second is made durable.
      await until('more of them', () => (core.count('baseline') >= 4 ? true : undefined));
      expect(core.find('baseline')?.state).toBe('building');
      await core.end('SIGKILL');
    }
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(new Set(starts).size).toBe(starts.length);
    expect(core.events()).toEqual([]);
  });
});

describe('a ledger on a disk that is full', () => {
  it.skipIf(noLinuxRoot !== undefined)(
    `says so, keeps what it has, and goes on by itself once there is room${because(noLinuxRoot)}`,
    async () => {
      const small = join(directory, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
      try {
        core.start(join(small, 'ledger.db'), rulesFor(root));
        await until('the first walk', () => core.find('baseline', ({ state }) => state === 'complete'));
        const before = listing(root);
        try {
          writeFileSync(join(small, 'filler'), Buffer.alloc(4 * 1024 * 1024));
        } catch {
          // Full.
        }
        const items: Examination[] = [];
        for (let n = 0; n < 2_000; n += 1) {
          writeFileSync(join(root, `made${n}`), String(n));
          items.push(examination(join(root, `made${n}`), CHANGE.created));
        }
        core.send({ kind: 'examine', batch: 7, items });
        await until('the word', () => core.find('stopped', ({ text }) => text.includes('full')));
        expect(core.find('examined')).toBeUndefined();
        rmSync(join(small, 'filler'));
        execFileSync('mount', ['-o', 'remount,size=64m', small]);
        await until('the batch', () => core.find('examined', ({ batch }) => batch === 7));
        expect(core.find('stopped')?.text).toBe('');
        const expected = listing(root);
        await until('all events', () => {
          expect(apply(new Map(before), core.events())).toEqual(expected);
          return true;
        });
      } finally {
        await core.end('SIGKILL');
        execFileSync('umount', [small]);
      }
    },
  );
});

describe('the bundle of the ledger', () => {
  it('runs as a thread and sends what it finds', async () => {
    await bundle('ledger', directory);
    const script = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(process.argv[1], { workerData: { file: process.argv[2], os: process.platform } });
      worker.on('message', (message) => process.send(message));
      process.on('message', (message) => worker.postMessage(message));
    `;
    const child = fork('-e', [script, join(directory, 'ledger.mjs'), file], { execArgv: [] });
    const said: FromLedger[] = [];
    child.on('message', (message) => said.push(message as FromLedger));
    try {
      child.send({ kind: 'rules', rules: rulesFor(root), own: [], rescanHours: 24, sharePct: 100 });
      await until('the walk', () =>
        said.find((message) => message.kind === 'baseline' && message.state === 'complete'),
      );
    } finally {
      child.kill('SIGKILL');
    }
    expect(said.some((message) => message.kind === 'log' && message.level === 'error')).toBe(false);
  });
});
