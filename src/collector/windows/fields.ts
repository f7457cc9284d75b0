import { z } from 'zod';

/** A string property; missing, null and blank ones become null, numbers (a serial of digits) become text. */
export const text = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => {
    const trimmed = value === null || value === undefined ? '' : String(value).trim();
    return trimmed === '' ? null : trimmed;
  });

/** A version: exactly as the system writes it, blanks and all; null only where there is none. */
export const exact = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value));

/** An integer property that the row can hold (±(2^53−1)); anything else becomes null. */
export const int = z
  .number()
  .nullish()
  .transform((value) => (typeof value === 'number' && Number.isSafeInteger(value) ? value : null));

/** A boolean property, null where it is missing. */
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? null);

/** An array of strings; PowerShell writes an array of one as the string itself. */
export const texts = z
  .union([z.array(z.string().nullable()), z.string()])
  .nullish()
  .transform((value) => {
    const list = typeof value === 'string' ? [value] : (value ?? []);
    return list.filter((item): item is string => item !== null && item.trim() !== '');
  });

/** An array of integers, with the same habit. */
export const ints = z
  .union([z.array(z.number()), z.number()])
  .nullish()
  .transform((value) => (typeof value === 'number' ? [value] : (value ?? [])));

/** A MAC address of twelve hexadecimal digits, with or without separators, as `00:11:22:aa:bb:cc`; else null. */
export function macOf(value: string | null): string | null {
  const digits = (value ?? '').replace(/[-:]/g, '').toLowerCase();
  if (!/^[0-9a-f]{12}$/.test(digits) || digits === '000000000000') return null;
  return digits.replace(/(..)(?!$)/g, '$1:');
}
