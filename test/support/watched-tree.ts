import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FimEvent } from '../../src/shared/host-events.ts';
import type { Task } from '../../src/shared/manifest.ts';
import { differences, listing, type Listing } from './listing.ts';
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

/** A directory that a sensor watches, and what it was before the work that is proven. */
export class WatchedTree {
  readonly root: string;
  readonly dataDir: string;
  readonly #dir: string;
  #sensor: SensorProcess | undefined;
  #before: Listing = new Map();
  #seen = 0;
  /** Events since the mark that sensors told which run no more. */
  #carried: readonly FimEvent[] = [];

  /** A new directory, or one that is there already. What is kept of it stands elsewhere and goes with `close`. */
  constructor(root?: string) {
    this.#dir = mkdtempSync(join(tmpdir(), 'wayfarer-fim-'));
    this.root = root ?? join(this.#dir, 'tree');
    this.dataDir = join(this.#dir, 'sensor');
    mkdirSync(this.root, { recursive: true });
    mkdirSync(this.dataDir, { mode: 0o700 });
  }

  get sensor(): SensorProcess {
    if (this.#sensor === undefined) throw new Error('the sensor does not run');
    return this.#sensor;
  }

  /** Starts the sensor on the tree as it is now; that is what changes are counted from. */
  async watch(params: Task['params'] = {}, more: { uid?: number } = {}): Promise<void> {
    await this.#sensor?.stop();
    this.#sensor = await SensorProcess.start({
      dataDir: this.dataDir,
      fim: [directoryRule(this.root, params)],
      ...more,
    });
    this.mark();
  }

  /** Starts the sensor again after it ended; changes are counted from where they were. */
  async watchAgain(params: Task['params'] = {}): Promise<void> {
    this.#carried = this.events();
    this.#sensor = await SensorProcess.start({
      dataDir: this.dataDir,
      fim: [directoryRule(this.root, params)],
    });
    this.#seen = 0;
  }

  /** From here on changes are counted. */
  mark(): void {
    this.#before = listing(this.root);
    this.#seen = this.sensor.fim.length;
    this.#carried = [];
  }

  /** Events since the mark, each once: what was not answered before a kill comes again. */
  events(): FimEvent[] {
    const known = new Set(this.#carried.map(({ event }) => event.id));
    return [
      ...this.#carried,
      ...this.sensor.fim.slice(this.#seen).filter(({ event }) => !known.has(event.id)),
    ];
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
        const { listing: reached, impossible } = replay(this.#before, this.events());
        const wrong = [...impossible, ...differences(after, reached), ...this.sensor.faults];
        if (wrong.length > 0) throw new Error(`${wrong.length}: ${wrong.slice(0, 20).join('\n')}`);
        return this.events();
      },
      deadlineMs,
    );
    this.mark();
    return given;
  }

  async close(): Promise<void> {
    await this.#sensor?.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
