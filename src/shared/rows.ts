import { z } from 'zod';

/**
 * One value of a row. Integers stay within ±(2^53−1), larger ones and all inodes are decimal strings
 * (protocol, "Snapshot, delta, integrity").
 */
export type RowValue = string | number | boolean | null | string[];

/** One row of a table: flat, nothing volatile in it, so that equal hosts give equal rows (collection). */
export type Row = Record<string, RowValue>;

/** Longest string of a row, in UTF-16 code units. */
const Text = z.string().max(1024 * 1024);

const Value = z.union([Text, z.number().int(), z.boolean(), z.null(), z.array(Text)]);

/** Validates a row at a boundary; strings are bounded to 1 MiB, columns to 64. */
export const RowSchema = z.record(z.string().max(128), Value).refine((row) => Object.keys(row).length <= 64, {
  message: 'a row has at most 64 columns',
});

/** Separates table name and row key in an item key. A control character, so no encoded name can hold it. */
export const KEY_SEPARATOR = '\u001f';

/** An item of a snapshot: its key, the row in canonical JSON, the SHA-256 over both in hexadecimal. */
export interface Item {
  readonly key: string;
  readonly row: string;
  readonly hash: string;
}

/** The table that reports what could not be read (R012): one row per table and reason. */
export const ERRORS_TABLE = 'collection_errors';
