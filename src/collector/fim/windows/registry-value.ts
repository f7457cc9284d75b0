import { createHash } from 'node:crypto';
import {
  MORE_DATA,
  type Given,
  type OpenKey,
  type OpenRegistryKey,
  type ValueData,
  type ValueHead,
} from './registry-keys.ts';
import { isNotThere } from './registry-names.ts';
import { holdsSecret } from './registry-texts.ts';

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
  /** Whether its texts hold secrets, by which its data could be guessed from length and hash. */
  readonly isSecret: boolean;
}

/** Whether two states are one, as far as can be told. */
export function isSameState(a: ValueState | undefined, b: ValueState | undefined): boolean {
  return a?.kind === b?.kind && a?.size === b?.size && a?.sha256 === b?.sha256;
}

/**
 * A value while a key is enumerated; an error number where it changed meanwhile. What is as it was known is not looked through
 * again.
 */
export function stateAt(
  key: OpenKey,
  index: number,
  head: ValueHead,
  known: ValueState | undefined,
): Given<ValueState> {
  if (head.size > MOST_DATA) return { kind: head.kind, size: head.size, sha256: null, isSecret: false };
  return stateOf(key.dataAt(index, head.size), known);
}

/** A value by its name as it is now: its state and its data; `undefined` where it is not there. */
function valueNow(
  key: OpenKey,
  name: string,
): Given<{ readonly state: ValueState; readonly data: Buffer | undefined }> | undefined {
  for (let tries = 0; ; tries += 1) {
    const head = key.valueOf(name);
    if ('error' in head) return isNotThere(head.error) ? undefined : head;
    if (head.size > MOST_DATA) {
      return { state: { kind: head.kind, size: head.size, sha256: null, isSecret: false }, data: undefined };
    }
    const found = key.dataOf(name, head.size);
    const state = stateOf(found, undefined);
    if (!('error' in state)) return { state, data: 'data' in found ? found.data : undefined };
    if (tries >= MOST_TRIES || state.error !== MORE_DATA) return isNotThere(state.error) ? undefined : state;
  }
}

/** A value by key and name as it is now; `undefined` where it is not there. A link is followed where that is wanted. */
export function readValue(
  open: OpenRegistryKey,
  { key, value }: { readonly key: string; readonly value: string },
  follow: boolean,
): ReturnType<typeof valueNow> {
  const opened = open(key, follow);
  if ('error' in opened) return isNotThere(opened.error) ? undefined : opened;
  try {
    return valueNow(opened, value);
  } finally {
    opened.close();
  }
}

/** It grew between the question for its size and that for its data. */
const MOST_TRIES = 3;

function stateOf(found: Given<ValueData>, known: ValueState | undefined): Given<ValueState> {
  if ('error' in found) return found;
  const { kind, data } = found;
  const sha256 = createHash('sha256').update(data).digest('hex');
  if (known?.kind === kind && known.sha256 === sha256) return known;
  return { kind, size: data.length, sha256, isSecret: holdsSecret(kind, data) };
}
