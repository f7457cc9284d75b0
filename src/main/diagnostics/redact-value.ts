import { redact } from '../host/redact.ts';

/** A JSON value with every text in it redacted; names of fields, numbers and the rest stay. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, redactValue(inner)]));
}
