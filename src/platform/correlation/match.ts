import type { Advisories, Statement } from './advisories.ts';
import { cvesOf } from './osv.ts';
import { fixedVersionFor, isAffected } from './ranges.ts';
import { ratingOf, type Rating } from './severity.ts';
import { compareDpkg } from './versions/dpkg.ts';

/** One installed binary package, as table `deb` has it. */
export interface InstalledPackage {
  readonly source: string;
  readonly sourceVersion: string;
  /** dpkg's state: `installed`, `config-files`, `half-configured`, … */
  readonly status: string;
}

/** The release that decides which advisories apply. */
export interface Release {
  /** `ID` of os-release. */
  readonly id: string;
  /** `VERSION_ID` of os-release. */
  readonly version: string;
}

/** One advisory that applies to one source package of a host. */
export interface Match extends Rating {
  readonly advisory: string;
  readonly package: string;
  readonly certainty: 'confirmed' | 'potential';
  readonly installedVersion: string;
  readonly fixedVersion: string | null;
  readonly cves: readonly string[];
  readonly summary: string;
}

/** OSV ecosystem of a Debian release, e.g. `Debian:12`; `undefined` for other systems. */
export function ecosystemOf(release: Release): string | undefined {
  return release.id === 'debian' && /^\d+$/.test(release.version) ? `Debian:${release.version}` : undefined;
}

/** Only the configuration is left, or less: nothing that could be attacked. */
const ABSENT = new Set(['config-files', 'not-installed']);
/** Fully unpacked and configured; triggers only run other packages' hooks. */
const COMPLETE = new Set(['installed', 'triggers-awaited', 'triggers-pending']);

/**
 * The advisories that apply to a host's packages, matched by source package and dpkg order. Of several binary
 * packages of one source the lowest affected version counts. Pure.
 */
export function matchPackages(
  release: Release,
  packages: readonly InstalledPackage[],
  advisories: Advisories,
): Match[] {
  const ecosystem = ecosystemOf(release);
  if (ecosystem === undefined) return [];
  const matches: Match[] = [];
  const present = packages.filter((pkg) => !ABSENT.has(pkg.status));
  for (const [source, installed] of bySource(present)) {
    for (const statement of advisories.about(ecosystem, source)) {
      const match = matchSource(source, installed, statement);
      if (match !== undefined) matches.push(match);
    }
  }
  return matches;
}

function bySource(packages: readonly InstalledPackage[]): Map<string, InstalledPackage[]> {
  const groups = new Map<string, InstalledPackage[]>();
  for (const pkg of packages) {
    const group = groups.get(pkg.source);
    if (group === undefined) groups.set(pkg.source, [pkg]);
    else group.push(pkg);
  }
  return groups;
}

function matchSource(
  source: string,
  installed: readonly InstalledPackage[],
  { record, affected }: Statement,
): Match | undefined {
  const hit = installed
    .filter((pkg) => isAffected(pkg.sourceVersion, affected, compareDpkg))
    .sort((a, b) => compareDpkg(a.sourceVersion, b.sourceVersion));
  const lowest = hit[0];
  if (lowest === undefined) return undefined;
  return {
    advisory: record.id,
    package: source,
    certainty: hit.some((pkg) => COMPLETE.has(pkg.status)) ? 'confirmed' : 'potential',
    installedVersion: lowest.sourceVersion,
    fixedVersion: fixedVersionFor(lowest.sourceVersion, affected, compareDpkg) ?? null,
    cves: cvesOf(record),
    summary: record.summary,
    ...ratingOf(record, affected),
  };
}
