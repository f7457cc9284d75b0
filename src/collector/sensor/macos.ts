import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { hostContext } from '../context.ts';
import { CpuMeter } from '../cpu-meter.ts';
import { processTimer, type StartTimer } from '../debounce.ts';
import { MacosProcesses } from '../edr/macos-processes.ts';
import { fileWatcherSource } from '../fim/file-watcher-source.ts';
import type { StartEslogger } from '../fim/macos/es-process.ts';
import { SharedEslogger } from '../fim/macos/shared-eslogger.ts';
import { UserNames } from '../fim/macos/user-names.ts';
import type { ChangeSource, SourceEvents } from '../fim/source.ts';
import type { WatchPort } from '../fim/watcher/subscribe.ts';
import { loadProcessPaths, type ProcessPath } from '../macos/process-paths.ts';
import type { ReadContext } from '../table.ts';
import type { WatchFolder } from '../watch-folders.ts';
import { hashThread, PACE } from './host-parts.ts';
import type { ProcessSource, ProcessSourceEvents } from './ports.ts';
import type { SensorOptions } from './session.ts';

/** What the sources ask of macOS; tests bring a host of their own. */
export interface MacosHost {
  readonly context: ReadContext;
  readonly startTimer: StartTimer;
  /** A monotonic clock, ms. */
  readonly monotonic: () => number;
  readonly newId: () => string;
  readonly pid: number;
  /** The path of the executable of a process. */
  readonly pathOf: (pid: number) => ProcessPath;
  readonly hashThread: URL;
  /** Starts eslogger; the system's own unless given. */
  readonly startEslogger?: StartEslogger;
  readonly port?: WatchPort;
  readonly watchFolder?: WatchFolder;
}

/** The sources of macOS: one eslogger for files and processes, and FSEvents for files where it can't be had (R208). */
export function macosSources(
  dataDir: string,
  _failed: (reason: string) => void,
  host?: MacosHost,
): Pick<SensorOptions, 'openProcesses' | 'fileSources'> {
  const stopping = new AbortController();
  const used = host ?? thisHost(stopping.signal);
  let parts: Parts | undefined;
  const opened = (): Parts => {
    if (parts === undefined) throw new Error('processes are opened first');
    return parts;
  };
  return {
    openProcesses: (events) => {
      parts = partsOf(used, events, join(dataDir, 'startup-items.json'));
      return processSource(parts, stopping);
    },
    fileSources: () => [
      (events) => esloggerFiles(events, opened().eslogger),
      (events) => fileWatcher(events, used, opened().eslogger),
    ],
  };
}

function thisHost(signal: AbortSignal): MacosHost {
  let paths: ((pid: number) => ProcessPath) | undefined;
  return {
    context: hostContext({ root: '/', os: 'darwin', meter: new CpuMeter() }, PACE, signal),
    startTimer: processTimer,
    monotonic: () => performance.now(),
    newId: randomUUID,
    pid: process.pid,
    pathOf: (pid) => {
      paths ??= loadProcessPaths();
      return paths(pid);
    },
    hashThread: hashThread(),
  };
}

interface Parts {
  readonly eslogger: SharedEslogger;
  readonly processes: MacosProcesses;
  readonly names: UserNames;
}

function partsOf(host: MacosHost, events: ProcessSourceEvents, stateFile: string): Parts {
  const { context, startTimer, startEslogger } = host;
  const { changed, log } = events;
  const names = new UserNames({ context, log });
  const nameOf = names.of;
  const eslogger = new SharedEslogger({
    now: context.now,
    startTimer,
    nameOf,
    changed,
    log,
    process: (said) => {
      processes.heard(said);
    },
    missed: (reason, count) => {
      processes.missed(reason, count);
    },
    start: startEslogger,
  });
  const processes = new MacosProcesses({ ...host, eslogger, nameOf, stateFile, events: events.events, log });
  return { eslogger, processes, names };
}

function processSource({ eslogger, processes, names }: Parts, stopping: AbortController): ProcessSource {
  return {
    // Names of users are there before rules that leave some out.
    start: () => names.read(),
    setRules: (tasks) => processes.setRules(tasks),
    attribute: processes.attribute,
    dropDirectories: () => processes.dropDirectories(),
    fileChange: (change) => {
      processes.fileChange(change);
    },
    state: () => processes.state(),
    problems: () => processes.problems(),
    stop: async () => {
      eslogger.stop();
      stopping.abort();
      await processes.stop();
    },
  };
}

/** Changes of files from eslogger, which names who made each. */
function esloggerFiles(events: SourceEvents, eslogger: SharedEslogger): ChangeSource {
  return {
    provider: 'eslogger',
    actors: 'known',
    start: (rules) => eslogger.watch(rules, events),
    setRules: (rules) => {
      eslogger.setRules(rules, events);
    },
    // It hears of all filesystems alike; which there are it does not say.
    mounts: () => [{ mount: '/', filesystem: 'all', method: 'eslogger', ...noteOf(eslogger) }],
    stop: () => {
      eslogger.unwatch(events);
    },
  };
}

function noteOf({ unknown }: SharedEslogger): { note?: string } {
  return unknown === 0 ? {} : { note: `${String(unknown)} messages were of no known form` };
}

/** FSEvents: what is watched is watched, and by whom it was changed is not known. Gives way to eslogger once that can be had. */
function fileWatcher(events: SourceEvents, host: MacosHost, eslogger: SharedEslogger): ChangeSource {
  const { context, startTimer, port } = host;
  const source = fileWatcherSource(events, { os: 'darwin', now: context.now, startTimer, port });
  return {
    ...source,
    start: async (rules) => {
      await source.start(rules);
      eslogger.awaitFiles(rules, events);
    },
    setRules: async (rules) => {
      await source.setRules(rules);
      eslogger.setRules(rules, events);
    },
    stop: async () => {
      eslogger.unwatch(events);
      await source.stop();
    },
  };
}
