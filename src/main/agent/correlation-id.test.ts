import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { correlationIdNamed, correlationIdOf, namedCorrelationId } from './correlation-id.ts';
import { MemoryValues } from './testing/memory-values.ts';

describe('the correlation identifier', () => {
  it('R270 stays the same as long as the Host ID does', () => {
    const kv = new MemoryValues();
    const hostId = randomUUID();
    const first = correlationIdOf(kv, hostId, randomUUID);
    expect(correlationIdOf(kv, hostId, randomUUID)).toBe(first);
    expect(first).not.toBe(hostId);
  });

  it('is for scanners once the platform knows it, and not before', () => {
    const kv = new MemoryValues();
    const hostId = randomUUID();
    correlationIdNamed(kv, hostId);
    expect(namedCorrelationId(kv, hostId)).toBeUndefined();
    const made = correlationIdOf(kv, hostId, randomUUID);
    correlationIdNamed(kv, randomUUID());
    expect(namedCorrelationId(kv, hostId)).toBeUndefined();
    correlationIdNamed(kv, hostId);
    expect(namedCorrelationId(kv, hostId)).toBe(made);
    expect(correlationIdOf(kv, hostId, randomUUID)).toBe(made);
  });

  it('is another one under another Host ID, and another one again on the way back', () => {
    const kv = new MemoryValues();
    const [a, b] = [randomUUID(), randomUUID()];
    const ids = [a, b, a].map((hostId) => {
      const id = correlationIdOf(kv, hostId, randomUUID);
      correlationIdNamed(kv, hostId);
      return id;
    });
    expect(new Set(ids).size).toBe(3);
    expect(namedCorrelationId(kv, a)).toBe(ids[2]);
    expect(namedCorrelationId(kv, b)).toBeUndefined();
  });

  it('is made anew where what is stored can not be read', () => {
    const kv = new MemoryValues();
    const hostId = randomUUID();
    kv.set('correlation', { hostId: 1 });
    const made = randomUUID();
    expect(correlationIdOf(kv, hostId, () => made)).toBe(made);
  });
});
