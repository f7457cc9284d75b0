import { type SqlRow, type SqlValue } from './sql.ts';
import { StoreError } from './store-error.ts';

/** Reads columns with the type they must have; anything else means that the file was damaged (`CORRUPT`). */
export function text(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw damaged(column, value);
}

export function integer(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw damaged(column, value);
}

export function bytes(row: SqlRow, column: string): Buffer {
  const value = row[column];
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw damaged(column, value);
}

/** The value or `undefined` for NULL. */
export function optional<T>(
  read: (row: SqlRow, column: string) => T,
  row: SqlRow,
  column: string,
): T | undefined {
  return row[column] === null ? undefined : read(row, column);
}

function damaged(column: string, value: SqlValue | undefined): StoreError {
  return new StoreError('CORRUPT', `column ${column} holds ${value === null ? 'NULL' : typeof value}`);
}
