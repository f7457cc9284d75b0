import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { correlationIdOf } from './correlation-id.ts';

/** Values by name, as the store keeps them: through JSON. */
function memory() {
  const values = new Map<string, string>();
  return {
    values,
    get: <T>(key: string, schema: z.ZodType<T>): T | undefined => {
      const parsed = schema.safeParse(JSON.parse(values.get(key) ?? 'null'));
      return parsed.success ? parsed.data : undefined;
    },
    set: (key: string, value: unknown): void => {
      values.set(key, JSON.stringify(value));
    },
  };
}

describe('the correlation identifier', () => {
  it('R270 stays the same as long as the Host ID does', () => {
    const kv = memory();
    const hostId = randomUUID();
    const first = correlationIdOf(kv, hostId, randomUUID);
    expect(correlationIdOf(kv, hostId, randomUUID)).toBe(first);
    expect(first).not.toBe(hostId);
  });

  it('is another one under another Host ID, and another one again on the way back', () => {
    const kv = memory();
    const [a, b] = [randomUUID(), randomUUID()];
    const ids = [a, b, a].map((hostId) => correlationIdOf(kv, hostId, randomUUID));
    expect(new Set(ids).size).toBe(3);
  });

  it('is made anew where what is stored can not be read', () => {
    const kv = memory();
    const hostId = randomUUID();
    kv.values.set('correlation', '{"hostId":1}');
    const made = randomUUID();
    expect(correlationIdOf(kv, hostId, () => made)).toBe(made);
  });
});
