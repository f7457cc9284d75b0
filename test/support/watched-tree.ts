import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FimEvent } from '../../src/shared/host-events.ts';
import type { Task } from '../../src/shared/manifest.ts';
import { differences, listed, listing, type Listing } from './listing.ts';
import { replay } from './replay.ts';
import { SensorProcess } from './sensor-process.ts';
import { until } from './until.ts';

/** A file of a rested path comes up to half a minute after its last change. */
const REPORTED_MS = 100_000;

/** A rule of the FIM manifest on a directory. */
export function directoryRule(path: string, params: Task['params'] = {}): Task {
  return { id: 'tree', table: 'file_integrity', params: { kind: 'directory', path, ...params } };
}

/** Who made a group of changes: executables with how many events each; `unknown: reason` for the others. */
export function actorsOf(events: readonly FimEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { wayfarer } of events) {
    const { actor } = wayfarer;
    const name = actor.state === 'known' ? (actor.process.executable ?? '?') : `unknown: ${actor.reason}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** A directory of what a sensor watches, and what it was before the work that is proven. */
export class WatchedDirectory {
  readonly root: string;
  readonly #sensor: () => SensorProcess;
  #before: Listing = new Map();
  #seen = 0;
  /** Events since the mark that sensors told which run no more. */
  #carried: readonly FimEvent[] = [];

  constructor(root: string, sensor: () => SensorProcess) {
    this.root = root;
    this.#sensor = sensor;
  }

  get sensor(): SensorProcess {
    return this.#sensor();
  }

  /** From here on changes are counted; by itself from when there was nothing. */
  mark(before: Listing = listing(this.root)): void {
    this.#before = before;
    this.#seen = this.sensor.fim.length;
    this.#carried = [];
  }

  /** The sensor that runs is ended soon: what it told is kept, and another one begins. */
  carry(): void {
    this.#carried = this.events();
    this.#seen = 0;
  }

  /** Events since the mark, each once: what was not answered before a kill comes again. */
  events(): FimEvent[] {
    const known = new Set(this.#carried.map(({ event }) => event.id));
    const isMine = ({ event, file }: FimEvent): boolean =>
      !known.has(event.id) && [file.path, file.previous_path].some((path) => this.#has(path));
    return [...this.#carried, ...this.sensor.fim.slice(this.#seen).filter(isMine)];
  }

  #has(path: string | undefined): boolean {
    return path === this.root || path?.startsWith(`${this.root}/`) === true;
  }

  /**
   * Waits until the events since the mark account for every difference between then and now; gives them. Rejects with
   * what is missing or too much. Then the mark is set anew.
   */
  async accounted(deadlineMs = REPORTED_MS): Promise<FimEvent[]> {
    const after = listing(this.root);
    const given = await until(
      'events account for what changed',
      () => {
        const { listing: reached, impossible } = replay(this.#before, this.events(), listed);
        const wrong = [...impossible, ...differences(after, reached), ...this.sensor.faults];
        if (wrong.length > 0) throw new Error(`${wrong.length}: ${wrong.slice(0, 20).join('\n')}`);
        return this.events();
      },
      deadlineMs,
    );
    this.mark();
    return given;
  }
}

/** A directory with the sensor that watches it. */
export class WatchedTree extends WatchedDirectory {
  readonly dataDir: string;
  /** A place beside it that nobody watches. */
  readonly outside: string;
  readonly #dir: string;
  readonly #held: { sensor?: SensorProcess };
  #directories = 0;

  /** A new directory, or one that is there already. What is kept of it stands elsewhere and goes with `close`. */
  constructor(root?: string) {
    const dir = mkdtempSync(join(tmpdir(), 'wayfarer-fim-'));
    const held: { sensor?: SensorProcess } = {};
    super(root ?? join(dir, 'tree'), () => {
      if (held.sensor === undefined) throw new Error('the sensor does not run');
      return held.sensor;
    });
    this.#dir = dir;
    this.#held = held;
    this.dataDir = join(dir, 'sensor');
    this.outside = join(dir, 'outside');
    mkdirSync(this.root, { recursive: true });
    mkdirSync(this.dataDir, { mode: 0o700 });
    mkdirSync(this.outside);
  }

  /** Starts the sensor on the tree as it is now; that is what changes are counted from. */
  async watch(params: Task['params'] = {}, more: { uid?: number } = {}): Promise<void> {
    await this.#held.sensor?.stop();
    await this.#start(params, more);
    this.mark();
  }

  /** Starts the sensor again after it ended; changes are counted from where they were. */
  async watchAgain(params: Task['params'] = {}): Promise<void> {
    this.carry();
    await this.#start(params);
  }

  async #start(params: Task['params'], more: { uid?: number } = {}): Promise<void> {
    const fim = [directoryRule(this.root, params)];
    this.#held.sensor = await SensorProcess.start({ dataDir: this.dataDir, fim, ...more });
  }

  /** A new directory in it, for one test among several that share the sensor: each would wait seconds for a first walk. */
  directory(): WatchedDirectory {
    this.#directories += 1;
    const made = new WatchedDirectory(join(this.root, String(this.#directories)), () => this.sensor);
    made.mark(new Map());
    mkdirSync(made.root);
    return made;
  }

  async close(): Promise<void> {
    await this.#held.sensor?.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
