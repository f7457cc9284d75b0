import { lstatSync, statfsSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { ControlClient, ControlFailure } from '../control/client.ts';
import { isErrno } from '../host/atomic-file.ts';
import { lastLineAt } from '../host/log-files.ts';
import type { Paths } from '../host/paths.ts';
import {
  resolveSettings,
  settingsFromEnvironment,
  type SettingProblem,
  type Settings,
} from '../host/settings.ts';
import { readSettingsFile } from '../host/settings-file.ts';
import type { FileFacts, HealthInput, LogView, Service } from './input.ts';

/** What `gatherHealth` is told of the world. */
export interface Surroundings {
  readonly paths: Paths;
  readonly platform: NodeJS.Platform;
  readonly environment: NodeJS.ProcessEnv;
  readonly now: () => number;
  /** Asks the service for its status. */
  readonly ask: () => Promise<Service>;
  /** Tries to reach the platform, with what the service says and what the settings hold. */
  readonly reach: (service: Service, settings: Settings | null) => Promise<HealthInput['connectivity']>;
}

/** Reads everything that the checks look at. Never rejects for what it finds, or may not see. */
export async function gatherHealth(around: Surroundings): Promise<HealthInput> {
  const { paths, platform, now } = around;
  const service = await around.ask();
  const { settings, problems } = settingsOf(around, service);
  return {
    now: now(),
    platform,
    paths,
    trustedUids: [0, ...(process.geteuid === undefined ? [] : [process.geteuid()])],
    files: {
      data: factsOf(paths.dataDir),
      settings: factsOf(paths.settingsFile),
      hostId: factsOf(paths.hostIdFile),
      run: factsOf(paths.runDir),
      log: factsOf(dirname(paths.logFile)),
    },
    service,
    settingProblems: problems,
    connectivity: silence(service) ?? (await around.reach(service, settings)),
    freeBytes: freeBytes(paths.dataDir),
    log: viewLog(paths.logFile),
  };
}

/** In a blackout nobody talks to the platform, a person who looks at the agent's health neither (R153). */
function silence(service: Service): HealthInput['connectivity'] | undefined {
  if (!service.answers || !service.status.blackout.active) return undefined;
  const until = service.status.blackout.until ?? '';
  return { tried: false, reason: `a blackout of the profile is in force until ${until}: nothing is sent` };
}

/** Asks the service for its status. */
export async function askService(paths: Paths): Promise<Service> {
  try {
    return { answers: true, status: await new ControlClient(paths.readEndpoint).status() };
  } catch (error) {
    if (!(error instanceof ControlFailure)) throw error;
    return { answers: false, why: silenceOf(error, paths), reason: error.message };
  }
}

function silenceOf(error: ControlFailure, paths: Paths): Extract<Service, { answers: false }>['why'] {
  switch (error.kind) {
    case 'not running':
      return factsOf(paths.dataDir).kind === 'absent' ? 'not installed' : 'not running';
    case 'permission':
    case 'timeout':
      return error.kind;
    case 'refused':
    case 'protocol':
      return 'failed';
  }
}

/** The settings and what is wrong with them. A file that is a link or too large is a finding, not the end of looking. */
function settingsOf(
  { paths, environment }: Surroundings,
  service: Service,
): { readonly settings: Settings | null; readonly problems: HealthInput['settingProblems'] } {
  try {
    const settings = readSettings(paths, environment);
    return { settings, problems: settings === null ? null : problemsOf(settings, service, paths) };
  } catch (error) {
    const reason = `is not read: ${error instanceof Error ? error.message : String(error)}`;
    return { settings: null, problems: [{ setting: 'the file', source: paths.settingsFile, reason }] };
  }
}

/** The settings as the service would read them, `null` where this user may not. Throws as `readSmallFile` else. */
export function readSettings(paths: Paths, environment: NodeJS.ProcessEnv): Settings | null {
  try {
    const file = readSettingsFile(paths.settingsFile);
    return resolveSettings([settingsFromEnvironment(environment), file.settings], file.problems);
  } catch (error) {
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) return null;
    throw error;
  }
}

/** What is wrong in the settings. What is missing there may have been given to a service that runs in another way. */
function problemsOf(
  { problems, missing }: Settings,
  service: Service,
  { settingsFile }: Paths,
): readonly SettingProblem[] {
  if (service.answers) return problems;
  const unset = missing.map((setting) => ({ setting, source: settingsFile, reason: 'is not set' }));
  return [...problems, ...unset];
}

function factsOf(path: string): FileFacts {
  try {
    const stat = lstatSync(path);
    return { path, kind: kindOf(stat), uid: stat.uid, mode: stat.mode & 0o7777 };
  } catch (error) {
    const absent = isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR');
    return { path, kind: absent ? 'absent' : 'hidden', uid: 0, mode: 0 };
  }
}

function kindOf(stat: Stats): FileFacts['kind'] {
  if (stat.isSymbolicLink()) return 'link';
  if (stat.isDirectory()) return 'directory';
  return stat.isFile() ? 'file' : 'other';
}

function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

function viewLog(path: string): LogView {
  try {
    return { readable: true, lastLineAt: lastLineAt(path) };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { readable: true, lastLineAt: null };
    return { readable: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
