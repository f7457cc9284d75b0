import { ExitCode } from '../../shared/exit-codes.ts';
import type { RouteAttempt } from '../../shared/proxy.ts';
import { systemClock } from '../clock.ts';
import { askService, readSettings } from '../health/gather.ts';
import { reach } from '../health/reach-by-settings.ts';
import { openNetworkMonitor } from '../host/network/open.ts';
import type { Paths } from '../host/paths.ts';
import { Trust } from '../uplink/trust.ts';
import { Answer } from './answer.ts';
import { harmless } from './harmless.ts';
import { routesOf } from './tool-routes.ts';

/**
 * Tries every way to the platform and prints what each answered and how long it took, and what is wrong with the settings.
 * The exit code is 0 when one of them works and nothing is wrong, else 1. WPAD and fail-open are as the settings of this host say, else as in the agent's profile.
 */
export async function testProxies(paths: Paths, json: boolean): Promise<void> {
  const service = await askService(paths);
  const settings = readSettings(paths, process.env);
  const caFile = service.answers ? service.status.platform.caFile : undefined;
  const network = openNetworkMonitor({ clock: systemClock });
  try {
    const routes = routesOf(
      paths,
      service,
      new Trust(caFile ?? settings?.caFile),
      async () => (await network.state()).dnsSuffixes,
    );
    const found = await reach(paths, service, settings, routes);
    if (!found.tried) throw new Answer(ExitCode.failed, `nothing can be tested: ${found.reason}`);
    const { attempts, platform, problems } = found;
    process.stdout.write(
      json
        ? `${JSON.stringify({ platform, attempts, problems }, null, 2)}\n`
        : formatAttempts(platform, attempts, problems),
    );
    const reached = attempts.some((attempt) => attempt.ok);
    process.exitCode = reached && problems.length === 0 ? ExitCode.ok : ExitCode.failed;
  } finally {
    await network.stop();
  }
}

/** The attempts as people read them, in the order of trying, and the problems below them. */
export function formatAttempts(
  platform: string,
  attempts: readonly RouteAttempt[],
  problems: readonly string[],
): string {
  const lines = attempts.map(({ route, proxy, source, ok, result, elapsedMs }) => {
    const by = proxy === null ? '' : `${proxy} (${source ?? 'unknown'}): `;
    return `${ok ? 'ok    ' : 'failed'} ${route.padEnd(8)} ${by}${result} (${Math.round(elapsedMs)} ms)`;
  });
  const wrong = problems.map((problem) => `problem: ${problem}`);
  const all = [`Ways to ${platform}, in the order of trying:`, ...lines, ...wrong];
  return `${all.map(harmless).join('\n')}\n`;
}
