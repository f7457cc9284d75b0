import { isManifestType, MANIFEST_TYPES, type ManifestType } from '../../shared/modules.ts';
import type { Apply, Context } from './context.ts';
import { exchangeFailed, exchangeWorked } from './failures.ts';
import { earlierRequest } from './schedule.ts';

/**
 * Compares the roots of all types with the platform (R223). The agent's side is recomputed from the rows that it holds,
 * so that a damaged copy shows as well as a lost delta.
 */
export async function syncCheck(context: Context): Promise<Apply> {
  const types = heldRoots(context);
  const result = await context.platform.syncCheck({ types });
  return () => {
    if (!result.ok) {
      exchangeFailed(context, result.failure);
      return;
    }
    exchangeWorked(context);
    const now = context.clock.now();
    context.update({ lastSyncCheckAt: now, syncCheckWanted: false });
    context.store.kv.set('lastSyncCheckAt', now);
    const mismatched = result.value.mismatched.filter(isManifestType);
    const held = Object.keys(types).filter(isManifestType);
    const differing = held.filter(
      (type) => mismatched.includes(type) || result.value.types[type]?.root !== types[type]?.root,
    );
    if (differing.length > 0) scorch(context, differing, 'sync check found different roots');
    else context.emit({ name: 'in sync', types: held });
  };
}

function heldRoots(context: Context): Partial<Record<ManifestType, { seq: number; root: string }>> {
  const roots: Partial<Record<ManifestType, { seq: number; root: string }>> = {};
  for (const type of MANIFEST_TYPES) {
    const state = context.facts().types[type];
    if (state === undefined || state.seq === 0) continue;
    roots[type] = { seq: state.seq, root: context.store.snapshots.recomputeRoot(type) };
  }
  return roots;
}

/** Drops what is held of types and asks for full collections from `notBefore` on, as if newly provisioned (R221). */
export function scorch(
  context: Context,
  types: readonly ManifestType[],
  reason: string,
  notBefore = context.clock.now(),
): void {
  const now = context.clock.now();
  context.log.warn(`synchronising again: ${types.join(', ')} (${reason})`);
  for (const type of types) {
    context.cancelCollection(type);
    context.store.snapshots.scorch(type);
    if (context.facts().pending?.type === type) context.update({ pending: null });
    const requested = earlierRequest(context.facts().types[type]?.requested ?? null, {
      reason: 'resync',
      notBefore,
    });
    context.updateType(type, {
      seq: 0,
      root: null,
      rows: 0,
      uploadedAt: null,
      processedAt: null,
      requested,
      serving: null,
    });
    context.conditions.raise('RESYNC', now, { types: type, reason }, type);
  }
  context.emit({ name: 'resync', types: [...types], reason });
}
