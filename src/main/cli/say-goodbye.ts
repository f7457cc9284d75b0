import { systemClock } from '../clock.ts';
import { readSettings } from '../health/gather.ts';
import { IdentityFiles } from '../host/identity.ts';
import { openNetworkMonitor } from '../host/network/open.ts';
import type { Paths } from '../host/paths.ts';
import { PlatformApi } from '../uplink/api.ts';
import { PlatformClient } from '../uplink/client.ts';
import { describeFailure } from '../uplink/failure.ts';
import { Trust } from '../uplink/trust.ts';
import { routesOf } from './tool-routes.ts';

/** How long each way to the platform may take, s: a removal must not hang on a network. */
const TIMEOUT_SEC = 10;

/** What became of the notice. */
export type Goodbye =
  | { readonly state: 'sent' }
  | { readonly state: 'not registered' }
  | { readonly state: 'failed'; readonly reason: string };

/** Tells the platform once that the agent leaves this host (R235). Never rejects: the removal goes on without it. */
export async function sayGoodbye(paths: Paths, environment: NodeJS.ProcessEnv): Promise<Goodbye> {
  try {
    const files = new IdentityFiles(paths.dataDir);
    const registration = files.registration();
    const settings = readSettings(paths, environment);
    if (registration === undefined || settings?.webServiceUri === undefined)
      return { state: 'not registered' };
    const trust = new Trust(settings.caFile);
    const network = openNetworkMonitor({ clock: systemClock });
    const { resolver, access } = routesOf(
      paths,
      { answers: false, why: 'not running', reason: '' },
      trust,
      async () => (await network.state()).dnsSuffixes,
    );
    const quiet = (): void => undefined;
    const client = new PlatformClient({
      base: settings.webServiceUri,
      resolver,
      access,
      trust,
      timeoutSec: () => TIMEOUT_SEC,
      now: systemClock.now,
      log: { error: quiet, warn: quiet, info: quiet, debug: quiet, trace: quiet },
      knownIssuer: { get: () => undefined, set: quiet },
    });
    const { hostId, customerId, platformKey } = registration;
    const keyPair = files.keyPair();
    const key = settings.platformKey ?? platformKey;
    const api = new PlatformApi(client, () => ({ customerId, agentId: hostId, keyPair, platformKey: key }));
    try {
      const result = await api.goodbye();
      return result.ok ? { state: 'sent' } : { state: 'failed', reason: describeFailure(result.failure) };
    } finally {
      await Promise.all([client.close(), network.stop()]);
    }
  } catch (error) {
    return { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
