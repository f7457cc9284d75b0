import { z } from 'zod';
import { Sha256Hex } from '../shared/ids.ts';
import { MANIFEST_TYPES } from '../shared/modules.ts';
import { RowSchema } from '../shared/rows.ts';
import type { Change } from './delta.ts';
import { canonicalRow, compareKeys, itemHash } from './item.ts';

/**
 * The body of a snapshot or delta upload before encoding: lines of JSON, each ended by `\n`. The first is the header,
 * every other one `{"set":[key,row]}` or `{"del":key}`, strictly ascending by key. A snapshot has no `del`.
 */
export const DELTA_FORMAT = 'wayfarer-delta/1';

/** Longest line in characters; longer ones are refused before they are parsed. */
export const MAX_LINE = 4 * 1024 * 1024;

export const DeltaHeader = z.object({
  format: z.literal(DELTA_FORMAT),
  type: z.enum(MANIFEST_TYPES),
  baseSeq: z.number().int().min(0),
  baseRoot: Sha256Hex,
  newSeq: z.number().int().min(1),
  newRoot: Sha256Hex,
});
export type DeltaHeader = z.infer<typeof DeltaHeader>;

const Key = z
  .string()
  .max(70_000)
  // eslint-disable-next-line no-control-regex -- the one control character of a key is its separator
  .regex(/^[a-z][a-z0-9_]*\u001f[^\p{Cc}\p{Cs}]*$/u, 'not an item key');

/** Text as `encodeText` leaves it: no control characters, no lone surrogates. */
const isEncoded = (text: string): boolean => /^[^\p{Cc}\p{Cs}]*$/u.test(text);

const EncodedRow = RowSchema.refine(
  (row) =>
    Object.entries(row)
      .flat(2)
      .every((part) => isEncoded(String(part))),
  'a control character or a lone surrogate is not encoded',
);

/** Exactly one of both, so that no reader takes a line for the one and another for the other. */
const Line = z.union([
  z.object({ set: z.tuple([Key, EncodedRow]), del: z.undefined().optional() }),
  z.object({ set: z.undefined().optional(), del: Key }),
]);

/** The header line, newline included. */
export function headerLine(header: DeltaHeader): string {
  return `${JSON.stringify(header)}\n`;
}

/** The line of one change, newline included. */
export function changeLine(change: Change): string {
  return 'set' in change
    ? `{"set":[${JSON.stringify(change.set.key)},${change.set.row}]}\n`
    : `{"del":${JSON.stringify(change.del)}}\n`;
}

/** Reads the header line. Throws with the reason when it is not one. */
export function parseHeader(line: string): DeltaHeader {
  return DeltaHeader.parse(parseJson(line));
}

/**
 * Reads one change line and recomputes canonical row and hash from its content: nothing is taken on trust.
 * `previousKey` is the key of the line before, or `undefined` at the first. Throws with the reason on anything else.
 */
export function parseChange(line: string, previousKey: string | undefined): Change {
  const parsed = Line.parse(parseJson(line));
  const key = parsed.set === undefined ? parsed.del : parsed.set[0];
  if (previousKey !== undefined && compareKeys(previousKey, key) >= 0) {
    throw new Error('changes are not in ascending key order');
  }
  if (parsed.set === undefined) return { del: key };
  const row = canonicalRow(parsed.set[1]);
  return { set: { key, row, hash: itemHash(key, row) } };
}

function parseJson(line: string): unknown {
  if (line.length > MAX_LINE) throw new Error(`a line of ${String(line.length)} characters is too long`);
  return JSON.parse(line) as unknown;
}
