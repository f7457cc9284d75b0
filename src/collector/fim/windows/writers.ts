import type { EventProcess } from '../../../shared/host-events.ts';
import { forgetOldest } from '../../forget-oldest.ts';
import { CHANGE, type Attribution, type RawChange } from '../change.ts';
import { unknownActor } from '../unknown-actor.ts';
import type { FileAccess, ProcessAudit } from './audit-events.ts';

/** How far a record of the log and one of the journal may be apart to be of one change, ms. */
const BEFORE_MS = 10_000;
const AFTER_MS = 2_000;

/** Paths, and writers of each, that are remembered; and processes. */
const MAX_PATHS = 20_000;
const MAX_WRITERS = 8;
const MAX_PROCESSES = 8_192;

const UNAUDITED = unknownActor('no audit record for this change: auditing of the file is off');
const SEVERAL = unknownActor('several processes had used the right to make this change');
const EARLIER = unknownActor('the last audit record for this change is too old');

/** File access rights (winnt.h) that a change of each kind takes. */
const WRITE_DATA = 0x2 | 0x4;
const WRITE_ATTRIBUTES = 0x100 | 0x10 | 0x4_0000 | 0x8_0000;
const DELETE = 0x1_0000;
const NEEDED: readonly (readonly [bits: number, rights: number])[] = [
  [CHANGE.created | CHANGE.modified | CHANGE.closedAfterWrite, WRITE_DATA],
  [CHANGE.attributes, WRITE_ATTRIBUTES],
  [CHANGE.deleted | CHANGE.movedFrom | CHANGE.movedTo, DELETE],
];
const ANY = WRITE_DATA | WRITE_ATTRIBUTES | DELETE;

interface Writer {
  readonly key: string;
  rights: number;
  at: number;
  readonly by: Attribution;
}

/**
 * Who used a right on which file, by the records of the Security log, to name the actor of a change in the journal. The log
 * has the first use of a right by a handle and not the later ones, so whoever had one remains a candidate: where there are
 * two, nobody is named.
 */
export class Writers {
  readonly #paths = new Map<string, { writers: Writer[]; overflowed: boolean }>();
  readonly #processes = new Map<number, EventProcess>();

  /** Remembers starts, so that a writer has its command line, and that a pid is never taken for an earlier process's. */
  process({ reported: { action, process } }: ProcessAudit): void {
    this.#processes.delete(process.pid);
    if (action === 'process_started') this.#processes.set(process.pid, process);
    forgetOldest(this.#processes, MAX_PROCESSES);
  }

  accessed(access: FileAccess): void {
    if ((access.rights & ANY) === 0) return;
    const path = access.path.toLowerCase();
    const entry = this.#paths.get(path) ?? { writers: [], overflowed: false };
    this.#paths.delete(path);
    this.#paths.set(path, entry);
    forgetOldest(this.#paths, MAX_PATHS);
    const by = this.#attribution(access);
    const key = JSON.stringify(by.actor);
    const same = entry.writers.find((writer) => writer.key === key);
    if (same !== undefined) {
      same.rights |= access.rights;
      same.at = Math.max(same.at, access.at);
    } else if (entry.writers.length < MAX_WRITERS) {
      entry.writers.push({ key, rights: access.rights, at: access.at, by });
    } else entry.overflowed = true;
  }

  /** The change with its actor, or with the reason why none can be named. */
  attribute(change: RawChange): RawChange {
    const moved = (change.what & CHANGE.movedTo) !== 0 ? change.from : undefined;
    return { ...change, by: this.#writerOf(moved ?? change.path, change) };
  }

  #writerOf(path: string, { what, at }: RawChange): Attribution {
    const entry = this.#paths.get(path.toLowerCase());
    if (entry?.overflowed === true) return SEVERAL;
    const needed = rightsFor(what);
    const uses = (rights: number): boolean => needed.some((one) => (rights & one) !== 0);
    const [only, ...others] = (entry?.writers ?? []).filter(({ rights }) => uses(rights));
    if (only === undefined) return UNAUDITED;
    if (others.length > 0) return SEVERAL;
    // Reasons add up in the journal: who wrote to a file need not be who deleted it.
    if (!needed.every((one) => (only.rights & one) !== 0)) return UNAUDITED;
    return at - only.at <= BEFORE_MS && only.at - at <= AFTER_MS ? only.by : EARLIER;
  }

  #attribution({ process, user }: FileAccess): Attribution {
    const started = this.#processes.get(process.pid);
    const same = started?.executable !== undefined && started.executable === process.executable;
    const actor = {
      state: 'known' as const,
      process: same ? started : process,
      ...(user === undefined ? {} : { user }),
    };
    return { actor };
  }
}

/** For each kind of change in it, the rights of which it takes one. */
function rightsFor(what: number): number[] {
  return NEEDED.filter(([bits]) => (what & bits) !== 0).map(([, rights]) => rights);
}
