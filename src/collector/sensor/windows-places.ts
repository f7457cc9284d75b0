import { loadPlaces, savePlaces, type Places } from '../fim/windows/places.ts';

/** How old a place in the log is that is kept, ms: what was told after it may not be durable yet, and is told again. */
const LAG_MS = 30_000;

/** Where journals and log were read up to, on the disk. */
export class PlaceKeeper {
  readonly before: Places;
  readonly #path: string;
  #places: Places;
  #saved: string;

  constructor(path: string) {
    this.#path = path;
    this.before = loadPlaces(path);
    this.#places = this.before;
    this.#saved = JSON.stringify(this.before);
  }

  note(more: Partial<Places>): void {
    this.#places = { ...this.#places, ...more };
  }

  noteJournal(drive: string, cursor: Places['journals'][string] | undefined): void {
    const { [drive]: _before, ...others } = this.#places.journals;
    this.note({ journals: cursor === undefined ? others : { ...others, [drive]: cursor } });
  }

  /** Where the log was read up to, and until when processes were followed. */
  get log(): Omit<Places, 'journals'> {
    return this.#places;
  }

  journal(drive: string): Places['journals'][string] | undefined {
    return this.#places.journals[drive];
  }

  /** Writes what is other than before. Throws what the disk says. */
  save(): void {
    const text = JSON.stringify(this.#places);
    if (text === this.#saved) return;
    savePlaces(this.#path, this.#places);
    this.#saved = text;
  }
}

/** A place in the log, and when it was read. */
interface LogPlace {
  readonly at: number;
  readonly log: number;
  readonly processes: number | null;
}

/**
 * Places in the log until they are old enough to be kept. The first one is kept at once: nothing before it is told, and a run
 * without any would begin at the end of the log.
 */
export class LogPlaces {
  readonly #now: () => number;
  readonly #keeper: PlaceKeeper;
  #waiting: LogPlace[] = [];

  constructor(now: () => number, keeper: PlaceKeeper) {
    this.#now = now;
    this.#keeper = keeper;
  }

  /** Number of the newest record that was noted. */
  get newest(): number | null {
    return this.#waiting.at(-1)?.log ?? this.#keeper.log.log;
  }

  /** Notes where the log is read up to. `final`: all that was told is going to be durable. */
  note(log: number | undefined, follows: boolean, final: boolean): void {
    const at = this.#now();
    const processes = follows ? Math.round(at) : null;
    const kept = this.#keeper.log;
    if (log !== undefined) this.#waiting.push({ at, log, processes });
    const old = this.#waiting.findLastIndex((place) => final || place.at <= at - LAG_MS);
    const place = this.#waiting[old];
    if (place !== undefined) this.#waiting.splice(0, old);
    const since = place?.processes ?? kept.processes ?? processes;
    this.#keeper.note({ log: place?.log ?? kept.log ?? log ?? null, processes: follows ? since : null });
  }
}
