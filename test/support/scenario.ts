import { HostPackages, listedByDpkg } from './host-packages.ts';
import { killLoop } from './kill-loop.ts';
import {
  agentCopies,
  platformCopies,
  platformLedger,
  platformPackages,
  processesOf,
  type Copies,
  type PlatformLedger,
} from './ledger.ts';
import { arrivals, faultsOf, keepArrivals, NumberNotes, type Numbers } from './numbers.ts';
import { SeededRandom } from './random.ts';
import { Site } from './site.ts';
import { SiteDriver, type DrivenReport } from './site-driver.ts';

/** What is done to a site while it works. */
export interface Disturbance {
  /** The site, not started yet; ended and removed by whoever runs the scenario. */
  readonly site: Site;
  /** The small manifests' platform and what follows it on its command line. */
  readonly platformArgs: readonly string[];
  /** Pause between two numbered records, ms. The platform keeps 10,000 records, so that a long run numbers less often. */
  readonly numberEveryMs: number;
  /** Once platform and agent run. Everything it made worse is well again when it resolves. */
  readonly disturb: (driver: SiteDriver) => Promise<void>;
  /** After agent and platform have ended. */
  readonly close: () => Promise<void>;
}

/** What stands on both sides after the disturbances and some peace. */
export interface Outcome {
  readonly report: DrivenReport;
  readonly agent: Copies;
  readonly platform: Copies;
  /** Rows of `deb` per type on the platform, and what dpkg lists. */
  readonly packages: {
    readonly inventory: string[];
    readonly vulnerability: string[];
    readonly dpkg: string[];
  };
  readonly ledger: PlatformLedger;
  readonly numbers: Numbers;
  readonly hostId: string;
  /** "synchronising again" in the agent's log, with the reason. */
  readonly scorches: readonly string[];
  /** Processes of the site that ran on after agent and platform had ended. */
  readonly leftOver: readonly number[];
  readonly elapsedMs: number;
}

/** How long both sides may take to agree once nothing is killed any more. */
const PEACE_MS = 120_000;

/** SIGKILLs, as many as asked for, of everything that runs. */
export function killing(kills: number): Disturbance {
  return {
    site: new Site(),
    platformArgs: [],
    numberEveryMs: 150,
    disturb: (driver) => killLoop(driver, kills),
    close: () => Promise.resolve(),
  };
}

/**
 * A whole installation on this host through disturbances, from its very first start on, and the state in which it ends.
 * `shippedManifests` ends the run with the platform as it is shipped, so that the tables which need two samples are
 * proven as well.
 */
export async function runScenario(
  { site, platformArgs, numberEveryMs, disturb, close }: Disturbance,
  options: { readonly seed: number; readonly shippedManifests: boolean },
): Promise<Outcome> {
  const startedAt = Date.now();
  const packages = HostPackages.possible() ? new HostPackages() : undefined;
  try {
    packages?.build();
    const shipped = site.serve;
    site.serve = ['test/support/quick-platform.ts', site.platformDir, ...platformArgs];
    await site.startPlatform();
    keepArrivals(site.platformDir);
    site.service = ['--import', './test/support/numbering.ts', ...site.service];
    site.environment['WAYFARER_NUMBER_EVERY_MS'] = String(numberEveryMs);
    site.startAgent();
    const driver = new SiteDriver(site, new SeededRandom(options.seed), packages);
    await disturb(driver);
    if (options.shippedManifests) {
      await site.end('platform', 'SIGKILL');
      site.serve = shipped;
      await site.startPlatform();
    }
    return await inPeace(site, driver.report, startedAt);
  } catch (error) {
    console.error(`the end of what the processes said:\n${site.output.slice(-40).join('\n')}\n${tail(site)}`);
    throw error;
  } finally {
    await packages?.dispose();
    await site.close();
    await close();
  }
}

async function inPeace(site: Site, report: DrivenReport, startedAt: number): Promise<Outcome> {
  const notes = new NumberNotes(site.root);
  notes.end();
  await site.until('the agent answers', () => site.cycle().then(() => true));
  const status = await site.untilSynced(PEACE_MS);
  await site.until('rows of every package', () => Promise.resolve(agreesOnPackages(site)), PEACE_MS);
  await site.untilSynced(PEACE_MS);
  await site.until('no command and no record waits', () => nothingWaits(site), PEACE_MS);
  const log = site.log();
  await site.end('agent');
  await site.end('platform');
  return {
    report,
    agent: agentCopies(site.paths.dataDir),
    platform: platformCopies(site.platformDir),
    packages: packagesOf(site),
    ledger: platformLedger(site.platformDir),
    numbers: { ...notes.read(), arrived: arrivals(site.platformDir) },
    hostId: status.identity.hostId ?? '',
    scorches: log.split('\n').flatMap((line) => /synchronising again: .*/.exec(line)?.[0] ?? []),
    leftOver: processesOf(site.root),
    elapsedMs: Date.now() - startedAt,
  };
}

async function nothingWaits(site: Site): Promise<true | undefined> {
  const { queue } = await site.status();
  const { commands } = platformLedger(site.platformDir);
  return queue.records === 0 && commands.every((command) => command.result !== null) ? true : undefined;
}

function packagesOf(site: Site): Outcome['packages'] {
  return {
    inventory: platformPackages(site.platformDir, 'Inventory'),
    vulnerability: platformPackages(site.platformDir, 'Vulnerability'),
    dpkg: listedByDpkg(),
  };
}

function agreesOnPackages(site: Site): true | undefined {
  const { inventory, vulnerability, dpkg } = packagesOf(site);
  const wanted = dpkg.join('\n');
  return inventory.join('\n') === wanted && vulnerability.join('\n') === wanted ? true : undefined;
}

function tail(site: Site): string {
  try {
    return site.log().split('\n').slice(-60).join('\n');
  } catch {
    return 'there is no log';
  }
}

/** The lines that a run prints about itself. */
export function summary(outcome: Outcome, seed: number): string {
  const { report, ledger, numbers, scorches, elapsedMs } = outcome;
  const { lost, doubled, late } = faultsOf(numbers);
  const pairs = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${String(count)}`)
      .join(', ');
  const uploads = Object.fromEntries(
    ledger.uploads.map(({ status, count }) => [status === null ? 'open' : String(status), count]),
  );
  return [
    `seed ${String(seed)} (repeat with WAYFARER_SEED=${String(seed)})`,
    pairs(report.counts),
    `commands ${String(report.commands.length)}, commits ${String(ledger.commits.length)}`,
    `records: begun ${String(numbers.begun.length)}, taken ${String(numbers.acknowledged.length)}, ` +
      `arrived ${String(numbers.arrived.length)}, lost ${String(lost.length)}, ` +
      `doubled ${String(doubled.length)}, late ${String(late.length)}`,
    `uploads cut ${String(report.uploadsCut)}; ended as: ${pairs(uploads)}`,
    `synchronised again ${String(scorches.length)}${scorches.map((line) => `\n  ${line}`).join('')}`,
    `${(elapsedMs / 1000).toFixed(0)} s`,
  ].join('\n');
}
