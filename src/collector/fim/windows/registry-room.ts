import { placeOfKey } from './registry-names.ts';

/** How many there may be, and how many bytes they may take. */
interface Most {
  readonly count: number;
  readonly bytes: number;
}

/** Room for what is in HKLM, for the hives of all users together, and for each of these. */
export interface RoomBounds {
  readonly machine: Most;
  readonly users: Most;
  readonly hive: Most;
}

const ALL_USERS = 'all users';
const MACHINE = 'hklm';

/** Whose room a key takes: a hive of a user, folded, or all of HKLM. */
export function shareOf(key: string): string {
  const place = placeOfKey(key);
  return place.startsWith('hku') ? place : MACHINE;
}

/**
 * Room for something that is kept of keys. A user may fill hives of their own, which are two; that leaves room for those of others,
 * and takes none from HKLM.
 */
export class RegistryRoom {
  readonly #bounds: RoomBounds;
  readonly #used = new Map<string, { count: number; bytes: number }>();

  constructor(bounds: RoomBounds) {
    this.#bounds = bounds;
  }

  /** Takes room for one more; whether there was any. */
  take(key: string, bytes: number): boolean {
    const shares = this.#sharesOf(key);
    const isFull = shares.some(([share, most]) => {
      const used = this.#usedOf(share);
      return used.count >= most.count || used.bytes + bytes > most.bytes;
    });
    if (isFull) return false;
    for (const [share] of shares) this.#add(share, 1, bytes);
    return true;
  }

  /** Gives back what `take` took. */
  giveBack(key: string, bytes: number): void {
    for (const [share] of this.#sharesOf(key)) this.#add(share, -1, -bytes);
  }

  #sharesOf(key: string): readonly (readonly [share: string, most: Most])[] {
    const share = shareOf(key);
    if (share === MACHINE) return [[share, this.#bounds.machine]];
    return [
      [ALL_USERS, this.#bounds.users],
      [share, this.#bounds.hive],
    ];
  }

  #usedOf(share: string): { count: number; bytes: number } {
    return this.#used.get(share) ?? { count: 0, bytes: 0 };
  }

  #add(share: string, count: number, bytes: number): void {
    const used = this.#usedOf(share);
    const now = { count: used.count + count, bytes: used.bytes + bytes };
    if (now.count > 0) this.#used.set(share, now);
    else this.#used.delete(share);
  }
}
