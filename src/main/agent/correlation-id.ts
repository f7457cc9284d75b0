import { z } from 'zod';
import { Uuid } from '../../shared/ids.ts';
import type { KeyValues } from '../queue/kv.ts';

const Stored = z.object({ hostId: Uuid, correlationId: Uuid });

/**
 * The correlation identifier of this host under a Host ID: random, made when it is first asked for and kept with the
 * Host ID that it stands for. Another Host ID gets another one, so that it can't be followed from one identity to the
 * next; and nothing about the Host ID can be worked out from it.
 */
export function correlationIdOf(
  kv: Pick<KeyValues, 'get' | 'set'>,
  hostId: string,
  newId: () => string,
): string {
  const stored = kv.get('correlation', Stored);
  if (stored?.hostId === hostId) return stored.correlationId;
  const correlationId = newId();
  kv.set('correlation', { hostId, correlationId });
  return correlationId;
}
