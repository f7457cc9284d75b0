/** Where a version can be had: the archive, and the suite with its component as `bookworm-security/main`. */
interface Source {
  readonly uri: string;
  readonly suite: string;
}

/** A version of a package that apt knows of. */
interface Version {
  readonly version: string;
  /** Whether it is being rolled out step by step. */
  readonly phased: boolean;
  readonly sources: readonly Source[];
}

/** What apt makes of its lists for one package that is installed. */
export interface Policy {
  /** As apt names it: with an architecture where it is a foreign one. */
  readonly package: string;
  readonly installed: string;
  /** The versions from the candidate down to the one above the installed one; none where there is no update. */
  readonly newer: readonly Version[];
  /** Suites that any version of it comes from. */
  readonly suites: readonly string[];
}

const HEAD = /^(\S+):$/;
const FIELD = /^ {2}(Installed|Candidate): (\S+)$/;
const VERSION = /^ (?:\*\*\*| {3}) (\S+)(?: -?\d+)?( \(phased \d+%\))?$/;
const SOURCE = /^ {6,}-?\d+ (\S+) (\S+)(?: \S+)? Packages$/;

/** User and password in the address of an archive. */
const USER = /\/\/[^/\s]*@/;

/**
 * Parses the output of `apt-cache policy` in the C locale (apt-cache(8)): a head for each package, its installed version
 * and its candidate, and a table of versions, the newest first, with what offers each of them. Lines of other shapes, such
 * as pins and the list of installed packages, are passed over.
 */
export function parsePolicy(text: string): Policy[] {
  return blocksOf(text).flatMap((block) => {
    const policy = policyOf(block);
    return policy === undefined ? [] : [policy];
  });
}

interface Block {
  readonly package: string;
  readonly lines: string[];
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  for (const line of text.split('\n')) {
    const name = HEAD.exec(line)?.[1];
    if (name === undefined) blocks.at(-1)?.lines.push(line);
    else blocks.push({ package: name, lines: [] });
  }
  return blocks;
}

function policyOf({ package: name, lines }: Block): Policy | undefined {
  const fields = new Map(
    lines.flatMap((line) => {
      const [, field, value] = FIELD.exec(line) ?? [];
      return field === undefined || value === undefined ? [] : [[field, value] as const];
    }),
  );
  const installed = fields.get('Installed');
  if (installed === undefined || installed === '(none)') return undefined;
  const versions = versionsOf(lines);
  const candidate = versions.findIndex(({ version }) => version === fields.get('Candidate'));
  const present = versions.findIndex(({ version }) => version === installed);
  const newer = candidate >= 0 && candidate < present ? versions.slice(candidate, present) : [];
  const suites = versions.flatMap(({ sources }) => sources.map(({ suite }) => suite));
  return { package: name, installed, newer, suites };
}

function versionsOf(lines: readonly string[]): Version[] {
  const versions: { version: string; phased: boolean; sources: Source[] }[] = [];
  for (const line of lines) {
    const [, uri, suite] = SOURCE.exec(line) ?? [];
    if (uri !== undefined && suite !== undefined) {
      versions.at(-1)?.sources.push({ uri: uri.replace(USER, '//'), suite });
      continue;
    }
    const [, version, phased] = VERSION.exec(line) ?? [];
    if (version !== undefined) versions.push({ version, phased: phased !== undefined, sources: [] });
  }
  return versions;
}

/** Suites of security updates: `bookworm-security`, `jammy-security`, before Debian 11 `buster/updates`. */
const SECURITY = /^(.+?)(?:-security|\/updates)(?:\/|$)/;

/** A suite of a distribution beside its security suite, without what it is called for. */
const BASE = /^([^/]+?)(?:-updates|-backports|-proposed|-proposed-updates)?(?:\/|$)/;

/** The releases that have a suite for security updates here: `bookworm` for `bookworm-security/main`. */
export function securitySuites(policies: readonly Policy[]): ReadonlySet<string> {
  const suites = policies.flatMap((policy) => policy.suites);
  return new Set(suites.flatMap((suite) => SECURITY.exec(suite)?.[1] ?? []));
}

/**
 * Whether an update fixes a security issue: yes where any version above the installed one comes from a suite of security
 * updates, no where the release has such a suite and none does. `undefined` for archives that make no difference.
 */
export function securityOf(newer: readonly Version[], releases: ReadonlySet<string>): boolean | undefined {
  const suites = newer.flatMap(({ sources }) => sources.map(({ suite }) => suite));
  if (suites.some((suite) => SECURITY.test(suite))) return true;
  const known = suites.length > 0 && suites.every((suite) => releases.has(BASE.exec(suite)?.[1] ?? ''));
  return known ? false : undefined;
}
