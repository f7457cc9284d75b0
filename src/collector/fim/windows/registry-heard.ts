import { createHash } from 'node:crypto';
import { folded } from './registry-names.ts';
import { RegistryRoom, type RoomBounds } from './registry-room.ts';

/** What waits to be read. What there is no room for is found by the next look, and told once more. */
const ROOM: RoomBounds = {
  machine: { count: 20_000, bytes: 4 * 1024 * 1024 },
  users: { count: 20_000, bytes: 4 * 1024 * 1024 },
  hive: { count: 5_000, bytes: 1024 * 1024 },
};

/** Values that are remembered as told during one look. What goes beyond is told twice. */
const MOST_MEANWHILE = 50_000;

interface Value {
  readonly key: string;
  readonly value: string;
}

/** A value among others, whatever the case of its names, in few bytes. */
const idOf = ({ key, value }: Value): string =>
  createHash('sha256')
    .update(`${folded(key)}\0${folded(value)}`, 'utf16le')
    .digest('base64');

const bytesOf = ({ key, value }: Value): number => 2 * (key.length + value.length);

/** Values of which the Security log told, each until it was read again, and all of them since a look began. */
export class HeardValues {
  readonly #room = new RegistryRoom(ROOM);
  readonly #waiting = new Map<string, Value>();
  #meanwhile: Set<string> | undefined;

  add(value: Value): void {
    const id = idOf(value);
    if (this.#meanwhile !== undefined && this.#meanwhile.size < MOST_MEANWHILE) this.#meanwhile.add(id);
    if (!this.#waiting.has(id) && this.#room.take(value.key, bytesOf(value))) this.#waiting.set(id, value);
  }

  /** One that is to be read now; `undefined` where there is none. */
  next(): Value | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [id, value] = first;
    this.#waiting.delete(id);
    this.#room.giveBack(value.key, bytesOf(value));
    return value;
  }

  /** A look begins: what was not read by now, and what comes, is not the look's to tell. */
  beginLook(): void {
    this.#meanwhile = new Set(this.#waiting.keys());
  }

  endLook(): void {
    this.#meanwhile = undefined;
  }

  /** Whether the log told of a value during this look. */
  has(value: Value): boolean {
    return this.#meanwhile?.has(idOf(value)) === true;
  }
}
