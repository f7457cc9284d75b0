import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  ensureDirectory,
  isErrno,
  readSmallFile,
  removeFile,
  UnsafeFile,
  writeFileAtomic,
} from '../../host/atomic-file.ts';
import { refuseForeign } from '../../host/foreign-file.ts';
import type { ProxyPlaces } from '../../host/paths.ts';
import { allOrNothing } from './all-or-nothing.ts';
import type { ProxyProblem } from './candidate.ts';
import { editEnvFile, parseEnvFile } from './env-file.ts';
import {
  PROXY_SETTINGS,
  type GivenProxySetting,
  type ProxySettingChanges,
  type ProxySettingName,
  type ProxySettingsSource,
  type RawProxySettings,
} from './proxy-settings.ts';

/** The variables that hold a setting, the one that counts first. The tools write the first. */
const VARIABLES: Readonly<Record<ProxySettingName, readonly string[]>> = {
  urls: ['wayfarer_https_proxy'],
  pac: ['wayfarer_proxy_pac'],
  wpad: ['wayfarer_proxy_wpad'],
  system: ['wayfarer_proxy_system'],
  order: ['wayfarer_proxy_order'],
  failOpen: ['wayfarer_proxy_fail_open'],
  noProxy: ['no_proxy', 'NO_PROXY'],
  systemUrl: ['https_proxy', 'HTTPS_PROXY'],
};

/** Variables that in a shared file are other programs' as well: the tools leave them alone there. */
const COMMON: readonly ProxySettingName[] = ['noProxy', 'systemUrl'];

/** Rights of a settings file that is made: it holds no secret, and its siblings in /etc are read by everyone. */
const MODE = 0o644;

/**
 * Proxy settings in files of variables (Linux and macOS, R245). The first file that has a setting wins. A file that is
 * a link, no regular file, larger than 64 KB, another user's or writable by others is not read.
 */
export function fileSettings(places: ProxyPlaces): ProxySettingsSource {
  return {
    get place() {
      return targetFile(places.files);
    },
    read: () => readAll([...places.files, ...places.sharedFiles]),
    checkWritable: () => {
      checkWritable(targetFile(places.files));
    },
    apply: (changes) => {
      applyAll(places, changes);
    },
  };
}

/** The one of the agent's files that its package has: one that is there, else the first whose folder is there (R245). */
function targetFile(files: readonly string[]): string {
  return (
    files.find((path) => existsSync(path)) ??
    files.find((path) => existsSync(dirname(path))) ??
    files[0] ??
    ''
  );
}

function readAll(files: readonly string[]): RawProxySettings {
  const found = new Map<ProxySettingName, GivenProxySetting | 'broken'>();
  const problems: ProxyProblem[] = [];
  for (const path of files) {
    try {
      // Whoever names the proxy is sent the credentials for it.
      refuseForeign(path);
      readOne(path, readSmallFile(path) ?? '', found, problems);
    } catch (error) {
      problems.push({ setting: 'the file', source: path, reason: `is not read: ${reasonOf(error)}` });
    }
  }
  const given = Object.fromEntries([...found].filter(([, setting]) => setting !== 'broken'));
  return { given, problems };
}

/** Adds the settings of one file to those found before it. A broken one counts as found: nothing takes its place. */
function readOne(
  path: string,
  text: string,
  found: Map<ProxySettingName, GivenProxySetting | 'broken'>,
  problems: ProxyProblem[],
): void {
  const assignments = parseEnvFile(text);
  for (const name of PROXY_SETTINGS) {
    for (const setting of VARIABLES[name]) {
      const assignment = assignments.get(setting);
      if (assignment === undefined || found.has(name)) continue;
      const source = `${path}:${assignment.line}`;
      if (assignment.broken === true) {
        problems.push({ setting, source, reason: 'a quote is not closed on its line' });
        found.set(name, 'broken');
      } else if (assignment.value !== '') {
        found.set(name, { value: assignment.value, setting, source });
      }
    }
  }
}

/** Throws as the file system does when the file, or where it would be made, can't be written. */
function checkWritable(path: string): void {
  let folder = dirname(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  accessSync(folder, constants.W_OK);
}

/** Everything is read before anything is written; when a file can't be written, those before it are as they were. */
function applyAll({ files, sharedFiles }: ProxyPlaces, changes: ProxySettingChanges): void {
  const target = targetFile(files);
  const edits = [...files, ...sharedFiles].flatMap((path) => {
    const before = textToEdit(path, path === target);
    if (before === undefined) return [];
    return [{ path, before, after: editEnvFile(before, variablesFor(path, changes, target, sharedFiles)) }];
  });
  allOrNothing(
    edits
      .filter(({ before, after }) => after !== before)
      .map(({ path, before, after }) => {
        const isNew = !existsSync(path);
        return {
          make: () => {
            writeSettings(path, after);
          },
          undo: () => {
            if (isNew) removeFile(path);
            else writeSettings(path, before);
          },
        };
      }),
  );
}

/**
 * A file as bytes, one character each, so that what isn't UTF-8 in it survives. `undefined` for one that the agent
 * refuses to read: what stands there counts for nothing, unless the change belongs into it.
 */
function textToEdit(path: string, isTarget: boolean): string | undefined {
  try {
    refuseForeign(path);
    return readSmallFile(path, undefined, 'latin1') ?? '';
  } catch (error) {
    if (error instanceof UnsafeFile && !isTarget) return undefined;
    throw error instanceof UnsafeFile ? new UnsafeFile(`${path} is not written: ${error.message}`) : error;
  }
}

/** What changes in one file: everything goes to the target, and goes out of the files that it would not be seen behind. */
function variablesFor(
  path: string,
  changes: ProxySettingChanges,
  target: string,
  sharedFiles: readonly string[],
): ReadonlyMap<string, string | undefined> {
  const variables = new Map<string, string | undefined>();
  for (const [name, value] of changes) {
    if (sharedFiles.includes(path) && COMMON.includes(name)) continue;
    const [written = '', ...others] = VARIABLES[name];
    if (path === target) {
      variables.set(written, latin1(value));
      for (const other of others) variables.set(other, undefined);
    } else if (value === undefined) {
      for (const variable of VARIABLES[name]) variables.set(variable, undefined);
    }
  }
  return variables;
}

function latin1(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'utf8').toString('latin1');
}

function writeSettings(path: string, content: string): void {
  if (!existsSync(dirname(path))) ensureDirectory(dirname(path), 0o755);
  const mode = existsSync(path) ? lstatSync(path).mode & 0o777 : MODE;
  writeFileAtomic(path, Buffer.from(content, 'latin1'), mode);
}

function reasonOf(error: unknown): string {
  if (isErrno(error, 'EACCES')) return 'this user may not read it';
  return error instanceof Error ? error.message : String(error);
}
