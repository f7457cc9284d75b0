import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { hostContext } from '../context.ts';
import { CpuMeter } from '../cpu-meter.ts';
import { processTimer, type StartTimer } from '../debounce.ts';
import { AuditedProcesses } from '../edr/audited-processes.ts';
import { loadNotices, RegistryNotices, type OpenNotice } from '../edr/registry-notices.ts';
import { startupKeys } from '../edr/startup-windows.ts';
import { lookAtFile, type Looked } from '../edr/dropped-programs.ts';
import { windowsCalls, type WindowsCalls } from '../edr/windows/calls.ts';
import { fileWatcherSource } from '../fim/file-watcher-source.ts';
import type { ChangeSource, SourceEvents } from '../fim/source.ts';
import type { Audited } from '../fim/windows/audit-events.ts';
import { loadAuditPolicy, type AuditPolicy } from '../fim/windows/audit-policy.ts';
import { RegistryIntegrity } from '../fim/windows/registry-integrity.ts';
import { loadRegistryKeys, type OpenRegistryKey } from '../fim/windows/registry-keys.ts';
import { SecurityLog } from '../fim/windows/security-log.ts';
import { JournalSource } from '../fim/windows/source.ts';
import { loadVolumes, type OpenVolume } from '../fim/windows/volume.ts';
import { Writers } from '../fim/windows/writers.ts';
import type { WatchPort } from '../fim/watcher/subscribe.ts';
import { reasonOf } from '../reasons.ts';
import type { ReadContext } from '../table.ts';
import type { WatchFolder } from '../watch-folders.ts';
import { PACE } from './host-parts.ts';
import type { ProcessSource, ProcessSourceEvents } from './ports.ts';
import type { SensorOptions } from './session.ts';
import { LogPlaces, PlaceKeeper } from './windows-places.ts';

/** How often it is kept at least up to where all was read, ms; and how old that may be for process events to go on there. */
const KEEP_MS = 60_000;
const RESUME_MS = 600_000;

/** What the sources ask of Windows; tests bring a host of their own. */
export interface WindowsHost {
  readonly run: ReadContext['run'];
  readonly now: () => number;
  /** `/` of this host. */
  readonly context: ReadContext;
  readonly startTimer: StartTimer;
  /** They throw where Windows refuses. */
  readonly volumes: () => OpenVolume;
  readonly registry: () => OpenRegistryKey;
  readonly notices: () => OpenNotice;
  readonly policy: () => AuditPolicy;
  /** A look at a file. */
  readonly look: (path: string) => Looked | undefined;
  /** For sockets, images of processes and named objects. */
  readonly calls: WindowsCalls;
  readonly pid: number;
  readonly newId: () => string;
  readonly port?: WatchPort;
  readonly watchFolder?: WatchFolder;
}

/** The sources of Windows: the change journal, and the Security log for actors, processes and the registry. */
export function windowsSources(
  dataDir: string,
  _failed: (reason: string) => void,
  host?: WindowsHost,
): Pick<SensorOptions, 'openProcesses' | 'fileSources'> {
  const stopping = new AbortController();
  const used = host ?? thisHost(stopping.signal);
  const places = new PlaceKeeper(join(dataDir, 'places.json'));
  let parts: Parts | undefined;
  return {
    openProcesses: (events) => {
      parts = partsOf(used, events, { places, dataDir });
      return processSource(parts, used, stopping);
    },
    fileSources: () => [
      (events) => journal(events, used, places, parts),
      (events) => fileWatcherSource(events, { ...used, os: 'win32' }),
    ],
  };
}

function thisHost(signal: AbortSignal): WindowsHost {
  const context = hostContext({ root: '/', os: 'win32', meter: new CpuMeter() }, PACE, signal);
  let policy: (() => AuditPolicy) | undefined;
  let registry: OpenRegistryKey | undefined;
  return {
    run: context.run,
    now: context.now,
    context,
    startTimer: processTimer,
    volumes: loadVolumes,
    registry: () => (registry ??= loadRegistryKeys()),
    notices: loadNotices,
    policy: () => {
      policy ??= loadAuditPolicy();
      return policy();
    },
    look: (path) => lookAtFile({ root: '/', os: 'win32' }, path),
    calls: windowsCalls(),
    pid: process.pid,
    newId: randomUUID,
  };
}

interface Parts {
  readonly log: SecurityLog;
  readonly writers: Writers;
  readonly processes: AuditedProcesses;
  readonly integrity: RegistryIntegrity;
  /** Keeps up to where all was read; at the end of the sensor without waiting for it to be durable. */
  readonly keep: (final: boolean) => void;
}

function partsOf(
  host: WindowsHost,
  events: ProcessSourceEvents,
  { places, dataDir }: { readonly places: PlaceKeeper; readonly dataDir: string },
): Parts {
  const { log: after, processes: until } = places.before;
  const logPlaces = new LogPlaces(host.now, places);
  const keep = (final: boolean): void => {
    logPlaces.note(log.after, processes.follows, final);
    try {
      places.save();
    } catch (error) {
      events.log('warn', `places in journals and log are not kept: ${reasonOf(error)}`);
    }
  };
  const log = new SecurityLog({
    run: host.run,
    startTimer: host.startTimer,
    policy: host.policy,
    after: after ?? undefined,
    read: () => {
      if (log.after !== logPlaces.newest) keep(false);
    },
    changed: events.changed,
    log: events.log,
  });
  const writers = new Writers();
  log.listen({ audited: (audited) => hearWriters(writers, audited) });
  const processes = new AuditedProcesses({
    log,
    now: host.now,
    newId: host.newId,
    pid: host.pid,
    followedUntil: until !== null && host.now() - until <= RESUME_MS ? until : undefined,
    events: events.events,
    look: host.look,
    calls: host.calls,
    startTimer: host.startTimer,
    startup: {
      ...{ context: host.context, log: events.log, watchFolder: host.watchFolder },
      stateFile: join(dataDir, 'startup-items.json'),
      signs: new RegistryNotices({
        ...{ open: host.notices, startTimer: host.startTimer },
        keys: () => startupKeys(host.registry()),
      }),
    },
  });
  const integrity = new RegistryIntegrity({
    ...host,
    log,
    stateFile: join(dataDir, 'registry-values.json'),
    breathe: host.context.breathe,
    events: events.events,
    changed: events.changed,
    warn: (message) => {
      events.log('warn', message);
    },
  });
  return { log, writers, processes, integrity, keep };
}

function hearWriters(writers: Writers, audited: readonly Audited[]): void {
  for (const one of audited) {
    if (one.kind === 'process') writers.process(one);
    else if (one.kind === 'file') writers.accessed(one);
  }
}

function processSource(
  { log, processes, integrity, keep }: Parts,
  host: WindowsHost,
  stopping: AbortController,
): ProcessSource {
  let cancel: () => void = () => undefined;
  const armKeep = (): void => {
    cancel = host.startTimer(KEEP_MS, () => {
      keep(false);
      armKeep();
    });
  };
  return {
    start: () => {
      log.start();
      armKeep();
    },
    setRules: (tasks) => processes.setRules(tasks),
    registry: {
      setRules: (rules, rescanHours) => {
        integrity.setRules(rules, rescanHours);
        processes.followValues(rules.length > 0);
      },
      trouble: (id) => integrity.trouble(id),
    },
    attribute: processes.attribute,
    dropDirectories: () => processes.dropDirectories(),
    fileChange: (change) => {
      processes.fileChange(change);
    },
    state: () => processes.state(),
    problems: () => processes.problems(),
    stop: async () => {
      cancel();
      processes.stop();
      stopping.abort();
      await integrity.stop();
      await log.stop();
      // The ledger ends after this, with all that was told to it.
      keep(true);
    },
  };
}

function journal(
  events: SourceEvents,
  host: WindowsHost,
  places: PlaceKeeper,
  parts: Parts | undefined,
): ChangeSource {
  if (parts === undefined) throw new Error('processes are opened first');
  return new JournalSource({
    volumes: host.volumes,
    log: parts.log,
    writers: parts.writers,
    now: host.now,
    startTimer: host.startTimer,
    kept: (drive) => places.journal(drive),
    keep: (drive, cursor) => {
      places.noteJournal(drive, cursor);
    },
    events,
    port: host.port,
  });
}
