import { z } from 'zod';
import { Uuid } from '../../shared/ids.ts';
import type { KeyValues } from '../queue/kv.ts';

const KEY = 'correlation';
const Stored = z.object({
  hostId: Uuid,
  correlationId: Uuid,
  /** Whether the platform knows it. */
  named: z.boolean(),
});
type Stored = z.infer<typeof Stored>;

/** The correlation identifier of this Host ID, once the platform knows it: `undefined` before. */
export function namedCorrelationId(kv: Pick<KeyValues, 'get'>, hostId: string): string | undefined {
  const stored = storedFor(kv, hostId);
  return stored?.named === true ? stored.correlationId : undefined;
}

/**
 * The correlation identifier of this host under a Host ID: random, made when it is first asked for and kept with the
 * Host ID that it stands for. Another Host ID gets another one, so that it can't be followed from one identity to the
 * next; and nothing about the Host ID can be worked out from it. Throws what the store throws.
 */
export function correlationIdOf(
  kv: Pick<KeyValues, 'get' | 'set'>,
  hostId: string,
  newId: () => string,
): string {
  const known = storedFor(kv, hostId);
  if (known !== undefined) return known.correlationId;
  const correlationId = newId();
  kv.set(KEY, { hostId, correlationId, named: false });
  return correlationId;
}

/** Keeps that the platform knows the identifier of this Host ID. Throws what the store throws. */
export function correlationIdNamed(kv: Pick<KeyValues, 'get' | 'set'>, hostId: string): void {
  const stored = storedFor(kv, hostId);
  if (stored?.named === false) kv.set(KEY, { ...stored, named: true });
}

function storedFor(kv: Pick<KeyValues, 'get'>, hostId: string): Stored | undefined {
  const stored = kv.get(KEY, Stored);
  return stored?.hostId === hostId ? stored : undefined;
}
