import { z } from 'zod';
import { Uuid } from '../../shared/ids.ts';
import type { KeyValues } from '../queue/kv.ts';

const KEY = 'correlation';
const Stored = z.object({ hostId: Uuid, correlationId: Uuid });

/** The correlation identifier that was made for this Host ID; `undefined` before the first heartbeat asked for one. */
export function knownCorrelationId(kv: Pick<KeyValues, 'get'>, hostId: string): string | undefined {
  const stored = kv.get(KEY, Stored);
  return stored?.hostId === hostId ? stored.correlationId : undefined;
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
  const known = knownCorrelationId(kv, hostId);
  if (known !== undefined) return known;
  const correlationId = newId();
  kv.set(KEY, { hostId, correlationId });
  return correlationId;
}
