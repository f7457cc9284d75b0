import { closeSync, constants, openSync, realpathSync, writeSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { FromSensor } from '../shared/sensor.ts';
import { processTimer } from './debounce.ts';
import { forkPort } from './port.ts';
import { openLedger } from './sensor/ledger-port.ts';
import { linuxSources } from './sensor/linux.ts';
import { macosSources } from './sensor/macos.ts';
import { Sensor } from './sensor/session.ts';
import { windowsSources } from './sensor/windows.ts';
import type { Os } from './table.ts';

/** Changes the file that the source has to tell of; never through a link. */
function touch(path: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_TRUNC;
  const fd = openSync(path, flags, 0o600);
  try {
    writeSync(fd, `${Date.now()}\n`);
  } finally {
    closeSync(fd);
  }
}

/** The sources of each system; where there are none, `SENSOR_DOWN` shows it. */
const SOURCES: Partial<Record<NodeJS.Platform, typeof linuxSources>> = {
  linux: linuxSources,
  darwin: macosSources,
  win32: windowsSources,
};

/** The sensor on the port of its parent; everything that it keeps is below `dataDir`, which its parent made. */
function runSensor(dataDir: string, os: Os, sources: typeof linuxSources): void {
  const port = forkPort<FromSensor>();
  const fault = (reason: string): void => {
    port.send({ kind: 'log', level: 'error', message: reason.slice(0, 2_000) });
    void sensor.end(1);
  };
  // Sources tell of it by its real name.
  const canaryPath = join(realpathSync.native(dataDir), 'canary');
  const sensor = new Sensor({
    port,
    os,
    pid: process.pid,
    now: () => Date.now(),
    startTimer: processTimer,
    rssBytes: () => process.memoryUsage.rss(),
    openLedger: (events) =>
      openLedger({ file: join(dataDir, 'ledger.db'), os, startTimer: processTimer }, events),
    ...sources(dataDir, fault),
    canaryPath,
    touchCanary: () => {
      touch(canaryPath);
    },
    onEnd: (code) => {
      process.exit(code);
    },
  });
  process.on('unhandledRejection', (reason) => {
    fault(`unhandled rejection: ${reason instanceof Error ? (reason.stack ?? reason.message) : 'unknown'}`);
  });
  void sensor.start();
}

const [dataDir = ''] = process.argv.slice(2);
if (!isAbsolute(dataDir)) throw new Error('the sensor is started by the agent, with its data directory');
const sources = SOURCES[process.platform];
if (sources === undefined) throw new Error('file and process events are not there yet on this system');
process.env['LC_ALL'] = 'C';
runSensor(dataDir, process.platform as Os, sources);
