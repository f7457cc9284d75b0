import { MANIFEST_TYPES, typesOfModules, type ManifestType } from '../../shared/modules.ts';
import type { Context } from './context.ts';
import { demandKey } from './demand.ts';
import { forgetStream } from './event-streams.ts';
import { emptyTypeFacts } from './facts.ts';

/**
 * Takes the modules that are active on this host. A type that is no longer among them stops at once: its collection,
 * its pending upload, its manifest and its snapshot go (R314).
 */
export function setModules(context: Context, modules: readonly string[]): void {
  const before = context.facts().activeTypes;
  const active = typesOfModules(modules);
  if (active.join() === before.join()) {
    keepModules(context, modules);
    return;
  }
  context.log.info(`active manifest types: ${active.join(', ')}`);
  context.update({ activeTypes: active });
  for (const type of MANIFEST_TYPES) {
    if (before.includes(type) && !active.includes(type)) forgetType(context, type);
    else if (active.includes(type) && context.facts().types[type] === undefined)
      context.updateType(type, emptyTypeFacts);
  }
  // Last: a crash before leaves the old list, and the next heartbeat does all of this again.
  keepModules(context, modules);
}

function keepModules(context: Context, modules: readonly string[]): void {
  if (modules.join() !== context.modules().join()) context.store.kv.set('modules', [...modules]);
}

/** Drops everything that is held for a type. */
export function forgetType(context: Context, type: ManifestType): void {
  context.cancelCollection(type);
  context.store.snapshots.scorch(type);
  context.store.kv.delete(`manifest:${type}`);
  context.store.kv.delete(`cycle:${type}`);
  context.store.kv.delete(demandKey(type));
  context.tasks.delete(type);
  forgetStream(context, type);
  const facts = context.facts();
  const { [type]: _gone, ...types } = facts.types;
  context.update({ types, pending: facts.pending?.type === type ? null : facts.pending });
  for (const code of [
    'MANIFEST_INVALID',
    'COLLECTION_FAILED',
    'UPLOAD_REFUSED',
    'EVENTS_REFUSED',
    'TABLE_ERRORS',
    'RESYNC',
  ] as const) {
    context.conditions.clear(code, type);
  }
}
