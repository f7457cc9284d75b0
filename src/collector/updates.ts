import { joinKey } from './key.ts';
import type { KeyedRow } from './table.ts';

/** An update that a package manager knows of (R171). */
export interface Update {
  readonly manager: 'apt' | 'dnf' | 'zypper' | 'Windows Update' | 'softwareupdate';
  readonly package: string;
  readonly arch?: string;
  readonly installedVersion?: string;
  readonly candidateVersion: string;
  readonly repository?: string;
  readonly security?: boolean;
  readonly held?: boolean;
  readonly phased?: boolean;
}

/** The row of an update; what its manager does not say is null, and false where it has no such thing. */
export function updateRow(update: Update): KeyedRow {
  const { manager, package: name, arch = null, held = false, phased = false } = update;
  return {
    key: joinKey(manager, name, arch),
    row: {
      package: name,
      arch,
      installedVersion: update.installedVersion ?? null,
      candidateVersion: update.candidateVersion,
      repository: update.repository ?? null,
      security: update.security ?? null,
      held,
      phased,
      manager,
    },
  };
}
