import type { Attribution } from './change.ts';

/** An actor that a source can't name, with the reason; shared by all changes that have the same one. */
export function unknownActor(reason: string): Attribution {
  return { actor: { state: 'unknown', reason } };
}
