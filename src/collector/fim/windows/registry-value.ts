import { createHash } from 'node:crypto';
import { MORE_DATA, type Given, type OpenKey, type ValueData, type ValueHead } from './registry-keys.ts';
import { isNotThere } from './registry-names.ts';

/** Largest data that is read, bytes: of longer ones type and size have to do. */
export const MOST_DATA = 1024 * 1024;

/** What a value was when it was last looked at. */
export interface ValueState {
  /** Its type (winnt.h). */
  readonly kind: number;
  /** Length of its data, bytes. */
  readonly size: number;
  /** SHA-256 of its data in hexadecimal; `null` where that is longer than 1 MiB. */
  readonly sha256: string | null;
}

/** Whether two states are one, as far as can be told. */
export function isSameState(a: ValueState | undefined, b: ValueState | undefined): boolean {
  return a?.kind === b?.kind && a?.size === b?.size && a?.sha256 === b?.sha256;
}

/** A value while a key is enumerated; an error number where it changed meanwhile. */
export function stateAt(key: OpenKey, index: number, head: ValueHead): Given<ValueState> {
  if (head.size > MOST_DATA) return { kind: head.kind, size: head.size, sha256: null };
  return stateOf(key.dataAt(index, head.size));
}

/** A value by its name as it is now: its state and its data; `undefined` where it is not there. */
export function valueNow(
  key: OpenKey,
  name: string,
): Given<{ readonly state: ValueState; readonly data: Buffer | undefined }> | undefined {
  for (let tries = 0; ; tries += 1) {
    const head = key.valueOf(name);
    if ('error' in head) return isNotThere(head.error) ? undefined : head;
    if (head.size > MOST_DATA) {
      return { state: { kind: head.kind, size: head.size, sha256: null }, data: undefined };
    }
    const found = key.dataOf(name, head.size);
    const state = stateOf(found);
    if (!('error' in state)) return { state, data: 'data' in found ? found.data : undefined };
    if (tries >= MOST_TRIES || state.error !== MORE_DATA) return isNotThere(state.error) ? undefined : state;
  }
}

/** It grew between the question for its size and that for its data. */
const MOST_TRIES = 3;

function stateOf(found: Given<ValueData>): Given<ValueState> {
  if ('error' in found) return found;
  const { kind, data } = found;
  return { kind, size: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

/** winnt.h. */
const REG_SZ = 1;
const REG_EXPAND_SZ = 2;
const REG_DWORD = 4;
const REG_MULTI_SZ = 7;
const REG_QWORD = 11;

/** The texts of data as the Elastic Common Schema has them (`registry.data.strings`): numbers in decimal; none of other bytes. */
export function textsOfData(kind: number, data: Buffer): string[] {
  const text = data.toString('utf16le');
  switch (kind) {
    case REG_SZ:
    case REG_EXPAND_SZ:
      return [text.replace(/\0[\s\S]*$/, '')];
    case REG_MULTI_SZ:
      return text.replace(/\0+$/, '').split('\0');
    case REG_DWORD:
      return data.length === 4 ? [String(data.readUInt32LE())] : [];
    case REG_QWORD:
      return data.length === 8 ? [String(data.readBigUInt64LE())] : [];
    default:
      return [];
  }
}
