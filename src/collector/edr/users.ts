import { cut } from './program.ts';
import { statSync } from 'node:fs';
import type { EventUser } from '../../shared/host-events.ts';
import { accounts } from '../linux/accounts.ts';
import { hostPath, type Place } from '../open-file.ts';
import { encodeHostText } from '../text.ts';

const PASSWD = '/etc/passwd';

/** How long names are used before the file is looked at again, ms. */
const FRESH_MS = 2_000;

/** The users of this host by number. Accounts of directories are no local ones: they have no name here. */
export class Users {
  readonly #place: Place;
  readonly #now: () => number;
  #names: ReadonlyMap<number, string> = new Map();
  #stamp = '';
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `now` is a monotonic clock, ms. */
  constructor(place: Place, now: () => number) {
    this.#place = place;
    this.#now = now;
  }

  user(uid: number): EventUser {
    this.#refresh();
    const name = this.#names.get(uid);
    return name === undefined ? { id: String(uid) } : { id: String(uid), name };
  }

  #refresh(): void {
    const now = this.#now();
    if (now - this.#lookedAt < FRESH_MS) return;
    this.#lookedAt = now;
    const stat = statSync(hostPath(this.#place, PASSWD), { bigint: true, throwIfNoEntry: false });
    const stamp = stat === undefined ? '' : [stat.ino, stat.size, stat.mtimeNs].join();
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#names = namesOf(this.#place);
  }
}

/** Names as events have them; none where the file can't be read. The first of a number counts, as for getpwuid(3). */
function namesOf(place: Place): Map<number, string> {
  const names = new Map<number, string>();
  try {
    for (const { uid, name } of accounts(place)) {
      if (!names.has(uid)) names.set(uid, cut(encodeHostText(name, place.os), 1_024));
    }
  } catch {
    // A file that is too large or odd has no names for us; numbers are still true.
  }
  return names;
}
