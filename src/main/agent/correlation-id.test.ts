import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { correlationIdOf, knownCorrelationId } from './correlation-id.ts';
import { MemoryValues } from './testing/memory-values.ts';

describe('the correlation identifier', () => {
  it('R270 stays the same as long as the Host ID does', () => {
    const kv = new MemoryValues();
    const hostId = randomUUID();
    expect(knownCorrelationId(kv, hostId)).toBeUndefined();
    const first = correlationIdOf(kv, hostId, randomUUID);
    expect(correlationIdOf(kv, hostId, randomUUID)).toBe(first);
    expect(knownCorrelationId(kv, hostId)).toBe(first);
    expect(first).not.toBe(hostId);
  });

  it('is another one under another Host ID, and another one again on the way back', () => {
    const kv = new MemoryValues();
    const [a, b] = [randomUUID(), randomUUID()];
    const ids = [a, b, a].map((hostId) => correlationIdOf(kv, hostId, randomUUID));
    expect(new Set(ids).size).toBe(3);
    expect(knownCorrelationId(kv, b)).toBeUndefined();
  });

  it('is made anew where what is stored can not be read', () => {
    const kv = new MemoryValues();
    const hostId = randomUUID();
    kv.set('correlation', { hostId: 1 });
    const made = randomUUID();
    expect(correlationIdOf(kv, hostId, () => made)).toBe(made);
  });
});
