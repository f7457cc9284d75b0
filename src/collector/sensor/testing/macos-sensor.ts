import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Task } from '../../../shared/manifest.ts';
import type { UnsealedEdrEvent } from '../../../wire/event-chain.ts';
import { file, process as esProcess } from '../../fim/macos/testing/es-line.ts';
import { FakeEslogger } from '../../fim/macos/testing/fake-eslogger.ts';
import type { Hear, WatchPort } from '../../fim/watcher/subscribe.ts';
import { MAC_FILES, sampleMac } from '../../macos/testing/sample-mac.ts';
import { sampleContext } from '../../testing/sample-host.ts';
import { SteppedTimers } from '../../testing/timers.ts';
import { macosSources } from '../macos.ts';
import type { Sensor } from '../session.ts';
import { runSensor } from './run-sensor.ts';

/* The real sensor over a stand-in for eslogger (fim/macos/testing/fake-eslogger.ts) and a laid-out Mac; the ledger is the test's. */

/** A task of the FIM manifest on a directory. */
export const rule = (path: string, id = 'etc'): Task => ({
  id,
  table: 'file_integrity',
  params: { kind: 'directory', path },
});
export const ETC = rule('/private/etc');

/** A task of the EDR manifest. */
export const edr = (table: string, params: Task['params'] = {}): Task => ({
  id: table,
  table,
  params: { severity: 'low', ...params },
});
export const STARTS = edr('process_events', { hash: false, exclude: ['nobody'] });

/** What Endpoint Security says of a file that was written, and of a program that is started. */
export const written = (path: string) => ({ close: { modified: true, target: file(path) } });
export const started = (path: string, ...args: string[]) => ({
  exec: { target: esProcess(path, { pidversion: 1_501 }), args: [path, ...args] },
});

/** Directories of the test that runs: the sensor's own, and one to be watched. */
export const at = { dataDir: '', watched: '' };
let folder = '';
let sensors: Sensor[] = [];

/** Gives each test of the calling file directories of its own, and ends its sensors. */
export function separateMacs(): void {
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'wf-macos-')));
    at.dataDir = join(folder, 'own');
    at.watched = join(folder, 'watched');
    for (const directory of [at.dataDir, at.watched]) mkdirSync(directory);
  });
  afterEach(async () => {
    await Promise.all(sensors.map((sensor) => sensor.end(0)));
    sensors = [];
    rmSync(folder, { recursive: true });
  });
}

/** One run of the sensor on a Mac; `folder` stirs the folders that are watched for what starts programs. */
export async function runOnMac() {
  const timers = new SteppedTimers(Date.parse('2026-11-28T01:02:04.987Z'));
  const eslogger = new FakeEslogger();
  const trees = new Map<string, Hear>();
  const folders = new Map<string, () => void>();
  const entries = new Map<string, (name: string, renamed: boolean) => void>();
  const canary = join(at.dataDir, 'canary');
  /** What lsof prints; as of the sample Mac unless a test says otherwise. `calls` has its starts. */
  const lsof: { prints: string | undefined; calls: number } = { prints: undefined, calls: 0 };
  const context = {
    ...sampleContext({
      os: 'darwin',
      files: MAC_FILES,
      run: (file, args) => {
        if (file !== 'lsof') return sampleMac(file, args);
        lsof.calls += 1;
        return lsof.prints ?? sampleMac(file, args);
      },
    }),
    now: timers.now,
  };
  const port: WatchPort = {
    tree: (directory, _ignored, hear) => {
      trees.set(directory, hear);
      return Promise.resolve(() => {
        trees.delete(directory);
        return Promise.resolve();
      });
    },
    entries: (directory, heard) => {
      entries.set(directory, heard);
      return () => entries.delete(directory);
    },
  };
  const paths = new Map<number, string>();
  let isSilent = false;
  let ids = 0;
  const run = await runSensor({
    ...macosSources(at.dataDir, () => undefined, {
      context,
      startTimer: timers.start,
      monotonic: timers.now,
      newId: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
      pid: 4_242,
      pathOf: (pid) => {
        const path = paths.get(pid);
        return path === undefined ? { error: 'ESRCH' } : { path };
      },
      hashThread: new URL('../../edr/image-hash-thread.ts', import.meta.url),
      startEslogger: eslogger.start,
      port,
      watchFolder: (folder, stirred) => {
        folders.set(folder.slice(context.root.length), stirred);
        return () => folders.delete(folder.slice(context.root.length));
      },
    }),
    ...{ os: 'darwin', timers, own: [at.dataDir], canaryPath: canary },
    touchCanary: () => {
      writeFileSync(canary, '');
      if (isSilent) return;
      queueMicrotask(() => {
        eslogger.say({ close: { modified: true, target: file(canary) } });
        entries.get(at.dataDir)?.('canary', false);
      });
    },
  });
  sensors.push(run.sensor);
  return {
    ...run,
    ...{ eslogger, timers, trees, folders, lsof, paths, root: context.root },
    silence: () => (isSilent = true),
    appended: () => run.appended() as readonly UnsealedEdrEvent[],
  };
}

/** Lets the disk do its work. */
export async function waitFor(isThere: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !isThere(); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
