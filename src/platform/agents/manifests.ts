import { createHash } from 'node:crypto';
import { ManifestSchema, type Manifest } from '../../shared/manifest.ts';
import { isManifestType, typesOfModules, type ManifestType } from '../../shared/modules.ts';
import type { Records } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { Agent } from '../store/agents.ts';
import type { Versioned } from '../store/documents.ts';

/**
 * Brings the stored manifests up to date with their definitions: a changed content gets the next version (R215). What an
 * administrator set instead stays.
 */
export function publishManifests(context: Records, definitions: readonly Manifest[]): void {
  const { manifests } = context.store.documents;
  context.store.transaction(() => {
    for (const definition of definitions) {
      if (!manifests.isOwn(definition.type)) publishManifest(context, definition);
    }
  });
}

/** Stores a manifest, under the next version if its content is another one. Throws `ZodError` for one that is none. */
export function publishManifest(context: Records, manifest: Manifest): Versioned {
  const content = JSON.stringify(ManifestSchema.parse(manifest));
  const hash = createHash('sha256').update(content).digest('hex');
  return context.store.documents.manifests.update(manifest.type, content, hash, context.now());
}

/** Versions of the manifests of an agent's active types; types without a manifest are left out. */
export function manifestVersions(context: Records, agent: Agent): Partial<Record<ManifestType, number>> {
  const versions: Partial<Record<ManifestType, number>> = {};
  for (const type of typesOfModules(agent.modules)) {
    const manifest = context.store.documents.manifests.get(type);
    if (manifest !== undefined) versions[type] = manifest.version;
  }
  return versions;
}

/** Throws 403 `MODULE_NOT_ACTIVE` unless the agent's modules bring this manifest type. */
export function requireActive(agent: Agent, type: ManifestType): void {
  if (!typesOfModules(agent.modules).includes(type)) {
    throw new ApiError(403, 'MODULE_NOT_ACTIVE', `the module of ${type} is not active on this agent`);
  }
}

/** The manifest that an agent asks for. Throws 404 `NO_MANIFEST`, 403 `MODULE_NOT_ACTIVE`. */
export function manifestFor(context: Records, agent: Agent, type: string): Versioned {
  if (!isManifestType(type)) throw new ApiError(404, 'NO_MANIFEST', 'no such manifest type');
  requireActive(agent, type);
  const manifest = context.store.documents.manifests.get(type);
  if (manifest === undefined) throw new ApiError(404, 'NO_MANIFEST', `there is no manifest for ${type} yet`);
  return manifest;
}
