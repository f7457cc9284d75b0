import type { Item, Row, RowValue } from '../shared/rows.ts';
import { makeItem } from '../wire/item.ts';
import { encodeHostText } from './text.ts';
import { Unreadable, type KeyedRow, type Os } from './table.ts';

/** Bounds on one row as it leaves, in UTF-16 units: key, canonical row, columns. */
const MAX_KEY = 60_000;
const MAX_ROW = 256 * 1024;
const MAX_COLUMNS = 64;

function encodeValue(value: RowValue, os: Os): RowValue {
  if (typeof value === 'string') return encodeHostText(value, os);
  if (Array.isArray(value)) return value.map((text) => encodeHostText(text, os));
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new Unreadable('a number is not an integer');
  return value;
}

/** The row with every string encoded as it stands in a snapshot. Throws `Unreadable` for numbers that are no integers. */
function encodeRow(row: Row, os: Os): Row {
  const encoded: Row = {};
  for (const [column, value] of Object.entries(row)) encoded[column] = encodeValue(value, os);
  return encoded;
}

/** The item of a reader's row. Throws `Unreadable` for a row that breaks the bounds of a snapshot. */
export function itemOf(table: string, keyed: KeyedRow, os: Os): Item {
  if (Object.keys(keyed.row).length > MAX_COLUMNS) throw new Unreadable('a row has too many columns');
  const item = makeItem(table, encodeHostText(keyed.key, os), encodeRow(keyed.row, os));
  if (item.key.length > MAX_KEY || item.row.length > MAX_ROW)
    throw new Unreadable('a row is larger than allowed');
  return item;
}
