import { listNames, isDirectory, lstatHost } from '../files.ts';
import { decodeHostText } from '../text.ts';
import { Unreadable, type ReadContext } from '../table.ts';
import type { Update } from '../updates.ts';
import { parsePolicy, securityOf, securitySuites, type Policy } from './apt-policy.ts';
import { debLinux } from './deb.ts';

const LISTS = '/var/lib/apt/lists';

/** Packages named in one command line, so that it stays far below the system's limit on arguments. */
const PER_CALL = 2_000;

/** Reading all package lists without a cache takes a small machine a while, and the pace may stretch it. */
const TIMEOUT_MS = 300_000;

/** A package name (Debian Policy, 5.6.7) and an architecture: nothing that apt could take for an option. */
const NAME = /^[a-z0-9][a-z0-9+.-]+$/;
const ARCH = /^[a-z0-9][a-z0-9-]*$/;

interface Installed {
  readonly name: string;
  readonly arch: string;
  readonly held: boolean;
}

/**
 * Updates that apt knows of. It is asked itself, since only apt knows what its pins, priorities and phasing make of the
 * lists; `apt-cache policy` takes no lock, changes no list and needs no root (apt-cache(8), apt_preferences(5)). Throws
 * `Unreadable` where apt was never told what there is.
 */
export async function* aptUpdates(context: ReadContext): AsyncGenerator<Update> {
  if (lstatHost(context, '/usr/bin/apt-cache') === undefined) return;
  const installed = await installedPackages(context);
  if (installed.size === 0) return;
  if (!hasLists(context)) throw new Unreadable('apt has no package lists');
  const policies: Policy[] = [];
  const names = [...installed.keys()];
  for (let at = 0; at < names.length; at += PER_CALL) {
    policies.push(...(await policiesOf(context, names.slice(at, at + PER_CALL))));
    await context.breathe();
  }
  yield* updatesIn(policies, installed);
}

function* updatesIn(
  policies: readonly Policy[],
  installed: ReadonlyMap<string, Installed>,
): Generator<Update> {
  const suites = securitySuites(policies);
  for (const policy of policies) {
    const known = installed.get(policy.package);
    const [candidate] = policy.newer;
    if (known === undefined || candidate === undefined) continue;
    const [source] = candidate.sources;
    const security = securityOf(policy.newer, suites);
    yield {
      manager: 'apt',
      package: known.name,
      arch: known.arch,
      installedVersion: policy.installed,
      candidateVersion: candidate.version,
      ...(source !== undefined && { repository: `${source.uri} ${source.suite}` }),
      ...(security !== undefined && { security }),
      held: known.held,
      phased: candidate.phased,
    };
  }
}

/** The packages that are installed, by the name that apt gives them: with their architecture where it is a foreign one. */
async function installedPackages(context: ReadContext): Promise<Map<string, Installed>> {
  const all: Installed[] = [];
  for await (const { row } of debLinux.read(context, {})) {
    const { name, arch, status, want } = row;
    if (status !== 'installed' || typeof name !== 'string' || typeof arch !== 'string') continue;
    if (NAME.test(name) && ARCH.test(arch)) all.push({ name, arch, held: want === 'hold' });
  }
  const native = all.find(({ name }) => name === 'apt')?.arch;
  return new Map(
    all.map((one) => [one.arch === native || one.arch === 'all' ? one.name : `${one.name}:${one.arch}`, one]),
  );
}

const hasLists = (context: ReadContext): boolean =>
  isDirectory(context, LISTS) && listNames(context, LISTS).some((name) => /_Packages(\.\w+)?$/.test(name));

async function policiesOf(context: ReadContext, names: readonly string[]): Promise<Policy[]> {
  const result = await context.run('apt-cache', ['policy', ...names], { timeoutMs: TIMEOUT_MS });
  if (result.exitCode !== 0)
    throw new Unreadable(`apt-cache ended with exit code ${String(result.exitCode)}`);
  return parsePolicy(decodeHostText(result.stdout));
}
