import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { hostContext } from '../context.ts';
import { CpuMeter } from '../cpu-meter.ts';
import { processTimer } from '../debounce.ts';
import { hostClock } from '../edr/clock.ts';
import { ProcessEventSource } from '../edr/source.ts';
import { fileWatcherSource } from '../fim/file-watcher-source.ts';
import { LinuxSource } from '../fim/linux/linux-source.ts';
import type { FanotifySource } from '../fim/linux/source.ts';
import { normalRoot } from '../files.ts';
import { ReadableWatch } from '../native/readable.ts';
import { hashThread, PACE } from './host-parts.ts';
import type { ProcessSource, ProcessSourceEvents } from './ports.ts';
import type { SensorOptions } from './session.ts';

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
      (events) => fileWatcherSource(events, { os: 'linux', now: () => Date.now(), startTimer: processTimer }),
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
