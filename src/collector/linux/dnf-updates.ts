import { lstatHost } from '../files.ts';
import { Unreadable, type ReadContext } from '../table.ts';
import { decodeHostText } from '../text.ts';
import type { Update } from '../updates.ts';
import { rpmDatabase } from './rpm.ts';

/** One line per package: name, architecture, epoch:version-release, repository; none of them holds a bar. */
const FORMAT = '%{name}|%{arch}|%{evr}|%{repoid}\n';

/** dnf reads all its metadata for every question. */
const TIMEOUT_MS = 300_000;

/** A package as a line of `FORMAT` gives it. */
interface Package {
  readonly name: string;
  readonly arch: string;
  readonly evr: string;
  readonly repository: string;
}

/**
 * Updates that dnf knows of, by the metadata that it has (dnf(8) and dnf5(8): `-C`, `repoquery --upgrades`, `--security`).
 * Its excludes and version locks count. Where zypper is, it is the one to ask. Throws `Unreadable` where dnf has no
 * metadata, as for a user other than the one who refreshes it.
 */
export async function* dnfUpdates(context: ReadContext): AsyncGenerator<Update> {
  if (rpmDatabase(context) === undefined || lstatHost(context, '/usr/bin/dnf') === undefined) return;
  if (lstatHost(context, '/usr/bin/zypper') !== undefined) return;
  const updates = await packages(context, ['--upgrades']);
  if (updates.length === 0) return;
  const fixes = new Set((await packages(context, ['--upgrades', '--security'])).map(nameOf));
  const installed = new Map((await packages(context, ['--installed'])).map((one) => [nameOf(one), one.evr]));
  for (const update of updates) {
    const { name, arch, evr, repository } = update;
    const installedVersion = installed.get(nameOf(update));
    yield {
      manager: 'dnf',
      package: name,
      arch,
      ...(installedVersion !== undefined && { installedVersion }),
      candidateVersion: evr,
      repository,
      security: fixes.has(nameOf(update)),
    };
  }
}

const nameOf = ({ name, arch }: Package): string => `${name}.${arch}`;

/** The newest package of each name and architecture. */
async function packages(context: ReadContext, which: readonly string[]): Promise<Package[]> {
  const args = ['-C', '-q', 'repoquery', ...which, '--latest-limit=1', '--queryformat', FORMAT];
  const result = await context.run('dnf', args, { timeoutMs: TIMEOUT_MS });
  if (result.exitCode !== 0) throw new Unreadable(`dnf ended with exit code ${String(result.exitCode)}`);
  return decodeHostText(result.stdout)
    .split('\n')
    .flatMap((line) => packageOf(line) ?? []);
}

function packageOf(line: string): Package | undefined {
  const [name, arch, evr, repository, ...more] = line.trim().split('|');
  if (name === undefined || arch === undefined || evr === undefined || repository === undefined)
    return undefined;
  // dnf 4 writes an epoch of 0, dnf 5 leaves it out.
  return more.length > 0 ? undefined : { name, arch, evr: evr.replace(/^0:/, ''), repository };
}
