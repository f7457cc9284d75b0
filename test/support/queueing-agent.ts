import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startAgentIdProcess } from '../../src/main/agent/agentid-process.ts';
import { startCollectorProcess } from '../../src/main/agent/collector-process.ts';
import { developmentIntervals } from '../../src/main/agent/development.ts';
import { openCore } from '../../src/main/agent/open-core.ts';
import { RECORDS_STREAM } from '../../src/main/agent/drops.ts';
import { recordActivity } from '../../src/main/agent/records.ts';
import { systemClock, systemRandom } from '../../src/main/clock.ts';
import { openControl } from '../../src/main/control/server.ts';
import { openLog } from '../../src/main/host/log.ts';
import { ensurePaths, resolvePaths } from '../../src/main/host/paths.ts';
import { rootDirectory } from '../../src/main/host/root.ts';
import { resolveSettings, settingsFromEnvironment } from '../../src/main/host/settings.ts';

/*
 * The agent as it is, which puts WAYFARER_RECORDS numbered activities on record as soon as it finds itself without a
 * platform: a laptop that works on off-line. The bound of the stream is raised for as many. Ends at SIGTERM.
 */

const MANY_BYTES = 256 * 1024 * 1024;
/** Records between two turns of the event loop: it goes on answering meanwhile. */
const AT_ONCE = 200;

const wanted = Number(process.env['WAYFARER_RECORDS']);
const paths = resolvePaths(process.platform, rootDirectory(process.env), process.env);
ensurePaths(paths);
const log = openLog(paths.logFile, 'info', { onTrouble: () => undefined });
const { core, close } = await openCore({
  paths,
  settings: resolveSettings([settingsFromEnvironment(process.env)]),
  clock: systemClock,
  random: systemRandom,
  log,
  startCollector: startCollectorProcess(
    fileURLToPath(new URL('../../src/collector/main.ts', import.meta.url)),
    [],
  ),
  startSensor: () => {
    throw new Error('nothing is watched here');
  },
  startAgentId: startAgentIdProcess(fileURLToPath(new URL('../../src/main/agentid.ts', import.meta.url))),
  development: developmentIntervals(process.env),
  fatal: (reason) => {
    log.error(reason);
    process.exit(1);
  },
});
core.context.store.events.setLimit(RECORDS_STREAM, MANY_BYTES);

async function fill(): Promise<void> {
  for (let n = 0; n < wanted; n += 1) {
    recordActivity(core.context, 'Scan Complete', `offline ${String(n).padStart(8, '0')} ${'x'.repeat(60)}`);
    if (n % AT_ONCE === 0) await nextTurn();
  }
}

let filling = false;
core.watch({
  event: (event) => {
    if (filling || event.name !== 'condition' || event.code !== 'PLATFORM_UNREACHABLE' || !event.raised)
      return;
    filling = true;
    void fill();
  },
});
const control = await openControl({ read: paths.readEndpoint, admin: paths.adminEndpoint }, core);
await core.start();
process.once('SIGTERM', () => {
  void Promise.all([control.close(), close()]).then(() => process.exit(0));
});
