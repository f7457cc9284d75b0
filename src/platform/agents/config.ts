import { createHash } from 'node:crypto';
import { defaultProfile, type Profile } from '../../shared/profile.ts';
import type { Agent } from '../store/agents.ts';
import type { Versioned } from '../store/documents.ts';
import type { ProfileEntry } from '../store/profiles.ts';
import type { Records } from '../context.ts';

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function isNamed(entry: ProfileEntry, agent: Agent): boolean {
  return entry.hostNames.some(
    (name) => same(name, agent.hostname) || same(name, agent.host.fqdn) || same(name, agent.id),
  );
}

function hasTags(entry: ProfileEntry, agent: Agent): boolean {
  const carried = (tag: string): boolean => agent.tags.includes(tag);
  return entry.includeTags.some(carried) && !entry.excludeTags.some(carried);
}

/**
 * The one profile of an agent (R128): the topmost that names its host (R134), else the topmost in list order whose
 * include tags match any and whose exclude tags match none (R132, R133), else the default (R131).
 * `entries` are in list order; without any of them the built-in defaults hold.
 */
export function effectiveProfile(entries: readonly ProfileEntry[], agent: Agent): Profile {
  const entry =
    entries.find((candidate) => isNamed(candidate, agent)) ??
    entries.find((candidate) => hasTags(candidate, agent)) ??
    entries.find((candidate) => candidate.isDefault);
  return entry?.profile ?? defaultProfile();
}

/** The configuration an agent should run under, as a version that grows when, and only when, its content changes. */
export function currentConfig(context: Records, agent: Agent): Versioned & { readonly profile: Profile } {
  const profile = effectiveProfile(context.store.profiles.list(agent.customer), agent);
  const content = JSON.stringify(profile);
  const hash = createHash('sha256').update(content).digest('hex');
  const stored = context.store.documents.config.update(agent.id, content, hash, context.now());
  return { ...stored, profile };
}
