import { hostContext } from './context.ts';
import { CpuMeter } from './cpu-meter.ts';
import { processTimer } from './debounce.ts';
import { normalRoot } from './files.ts';
import { forkPort, type Port } from './port.ts';
import { lowerPriority } from './priority.ts';
import { CollectorSession } from './session.ts';
import { TABLES } from './tables/index.ts';
import type { Os } from './table.ts';
import { ConfigurationWatch } from './watch-configuration.ts';
import { watchPackages } from './watch-packages.ts';

/** Folders that commands of libraries may come from, so that nobody's PATH decides what root runs. */
const SAFE_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

function thisOs(): Os {
  const os = process.platform;
  if (os === 'linux' || os === 'win32' || os === 'darwin') return os;
  throw new Error(`no tables for ${os}`);
}

function neutralEnvironment(os: Os): void {
  process.env['LC_ALL'] = 'C';
  if (os !== 'win32') process.env['PATH'] = SAFE_PATH;
}

/** The collector on one port: ends the process when the port closes or says stop. */
function runCollector(port: Port): void {
  const os = thisOs();
  neutralEnvironment(os);
  lowerPriority(os);
  const root = normalRoot('/');
  const meter = new CpuMeter();
  let stopWatching = (): void => undefined;
  const session = new CollectorSession({
    port,
    os,
    pid: process.pid,
    tables: TABLES,
    cpuMs: () => meter.total(),
    rssBytes: () => process.memoryUsage.rss(),
    startTimer: processTimer,
    contextFor: (pace, signal) => hostContext({ root, os, meter }, pace, signal),
    onWatch: (paths) => {
      configuration.set(paths);
    },
    onEnd: () => {
      configuration.close();
      stopWatching();
      process.exit(0);
    },
  });
  const configuration = new ConfigurationWatch({
    root,
    os,
    startTimer: processTimer,
    onChange: (types, reason) => {
      session.configurationChanged(types, reason);
    },
    log: (level, message) => {
      session.log(level, message);
    },
  });
  process.on('unhandledRejection', (reason) => {
    session.log(
      'error',
      `unhandled rejection: ${reason instanceof Error ? (reason.stack ?? reason.message) : 'unknown'}`,
    );
  });
  session.start();
  if (os !== 'linux') return;
  stopWatching = watchPackages({
    root,
    startTimer: processTimer,
    onChange: (tables, reason) => {
      session.changed(tables, reason);
    },
    log: (level, message) => {
      session.log(level, message);
    },
  });
}

runCollector(forkPort());
