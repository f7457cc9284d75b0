import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { hostContext } from '../context.ts';
import { CpuMeter } from '../cpu-meter.ts';
import { processTimer } from '../debounce.ts';
import { hostClock } from '../edr/clock.ts';
import { ProcessEventSource } from '../edr/source.ts';
import { FileWatcher } from '../fim/file-watcher.ts';
import { LinuxSource } from '../fim/linux/linux-source.ts';
import type { FanotifySource } from '../fim/linux/source.ts';
import type { ChangeSource, SourceEvents } from '../fim/source.ts';
import { normalRoot } from '../files.ts';
import { ReadableWatch } from '../native/readable.ts';
import type { ProcessSource, ProcessSourceEvents } from './ports.ts';
import type { SensorOptions } from './session.ts';

/** Share of a core for reading what starts with the host, while that is looked through. */
const PACE = { cpuLimitPct: 100, cpuThrottleMs: 20 } as const;

/** The sources of Linux: both read what the kernel tells in one thread. `failed`: that thread can't go on. */
export function linuxSources(
  dataDir: string,
  failed: (reason: string) => void,
): Pick<SensorOptions, 'openProcesses' | 'fileSources'> {
  const clock = hostClock();
  const watch = new ReadableWatch({ now: clock.monotonic, failed });
  /** Changes of files before a program was started are told from those after it by reading them then. */
  const readers = new Set<FanotifySource>();
  return {
    openProcesses: (events) =>
      processSource(events, {
        clock,
        watch,
        stateFile: join(dataDir, 'startup-items.json'),
        executed: () => {
          for (const reader of readers) reader.readNow();
        },
      }),
    fileSources: (processes) => [
      (events) =>
        new LinuxSource({
          watch,
          attribute: processes.attribute,
          monotonic: clock.monotonic,
          now: () => Date.now(),
          startTimer: processTimer,
          readers,
          events,
        }),
      fileWatcher,
    ],
  };
}

interface ProcessParts {
  readonly clock: ReturnType<typeof hostClock>;
  readonly watch: ReadableWatch;
  readonly stateFile: string;
  readonly executed: () => void;
}

function processSource(events: ProcessSourceEvents, parts: ProcessParts): ProcessSource {
  const { clock, watch, stateFile, executed } = parts;
  const root = normalRoot('/');
  const stopping = new AbortController();
  const source = new ProcessEventSource({
    context: hostContext({ root, os: 'linux', meter: new CpuMeter() }, PACE, stopping.signal),
    clock,
    startTimer: processTimer,
    watch,
    newId: randomUUID,
    token: randomInt(1, 2 ** 31),
    hashThread: hashThread(),
    stateFile,
    fileStream: true,
    callbacks: { events: events.events, executed, log: events.log },
  });
  return {
    start: () => {
      source.start();
    },
    setRules: (tasks) => {
      source.setRules(tasks ?? []);
      return source.state().refused.map(({ id, reason }) => `${id}: ${reason}`);
    },
    attribute: source.attribute,
    dropDirectories: () => source.directories(),
    fileChange: (change) => {
      source.fileChange(change);
    },
    state: () => {
      const { method, lost } = source.state();
      return { method, lost };
    },
    problems: () => source.state().problems,
    stop: async () => {
      stopping.abort();
      await source.stop();
      await watch.stop();
    },
  };
}

/** The source in development, the bundle beside the sensor's where it is installed. */
function hashThread(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? '../edr/image-hash-thread.ts' : './image-hash.mjs', here);
}

/** Without the rights for fanotify: what is watched is watched, and by whom it was changed is not known. */
function fileWatcher(events: SourceEvents): ChangeSource {
  const source = new FileWatcher({
    os: 'linux',
    now: () => Date.now(),
    startTimer: processTimer,
    changes: events.changes,
    lost: events.lost,
    failed: (text) => {
      if (text !== '') events.log('warn', `file watcher: ${text}`);
      events.mountsChanged();
    },
  });
  return {
    provider: 'file watcher',
    actors: 'unknown',
    start: async (rules) => {
      source.start();
      await source.setRules(rules);
    },
    setRules: (rules) => source.setRules(rules),
    mounts: () => source.mounts(),
    stop: () => source.stop(),
  };
}
