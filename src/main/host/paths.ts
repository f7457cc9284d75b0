import { createHash } from 'node:crypto';
import { dirname, join, resolve, win32 } from 'node:path';
import { ensureDirectory } from './atomic-file.ts';

/** Where everything of the agent lives on this host (product, "Names"). */
export interface Paths {
  readonly settingsFile: string;
  readonly hostIdFile: string;
  readonly dataDir: string;
  /** Where secrets are sealed, or marked as being in a keychain; a folder for them alone. */
  readonly secretsDir: string;
  readonly runDir: string;
  readonly logFile: string;
  /** Where the system's log takes datagrams (syslog(3)); unused on Windows. */
  readonly syslogSocket: string;
  readonly proxy: ProxyPlaces;
  /** The root of the keys that start scans (R178): a folder, on Windows a key below HKEY_LOCAL_MACHINE. */
  readonly scanKeys: string;
  readonly readEndpoint: string;
  readonly adminEndpoint: string;
}

/** Where the proxy settings of this host are kept (R244, R245). */
export interface ProxyPlaces {
  /** Files that are the agent's alone; the first one that has a setting wins. None on Windows. */
  readonly files: readonly string[];
  /** Files of the system that may hold some too; they come after the agent's own. */
  readonly sharedFiles: readonly string[];
  /** The key below HKEY_LOCAL_MACHINE on Windows, else empty. */
  readonly registryKey: string;
}

/** The longest path of a Unix socket on Linux and macOS, without its final NUL (unix(7): 108, macOS 104). */
const MAX_SOCKET_PATH = 103;

/**
 * The paths under a root. `root` moves every one of them, so that tests and development never touch the real system
 * (`WAYFARER_ROOT`); without it they are the ones of the operating system. Throws when a socket path would not fit.
 */
export function resolvePaths(
  platform: NodeJS.Platform,
  root: string | undefined,
  environment: NodeJS.ProcessEnv,
): Paths {
  const paths = layout(platform, root === undefined ? undefined : resolve(root), environment);
  if (platform !== 'win32' && Buffer.byteLength(paths.adminEndpoint) > MAX_SOCKET_PATH) {
    throw new Error(
      `${paths.adminEndpoint} is longer than a socket path may be (${String(MAX_SOCKET_PATH)} bytes): choose a shorter WAYFARER_ROOT`,
    );
  }
  return paths;
}

function layout(platform: NodeJS.Platform, root: string | undefined, environment: NodeJS.ProcessEnv): Paths {
  if (platform === 'win32') return windowsLayout(root, environment);
  const under = (path: string): string => (root === undefined ? path : join(root, path));
  if (platform === 'darwin') {
    const support = under('/Library/Application Support/Wayfarer');
    return unixLayout(
      support,
      support,
      under('/var/run/wayfarer'),
      under('/Library/Logs/Wayfarer/wayfarer-agent.log'),
      under('/var/run/syslog'),
      { files: [join(support, 'proxy.conf')], sharedFiles: [], registryKey: '' },
    );
  }
  return unixLayout(
    under('/etc/wayfarer'),
    under('/var/lib/wayfarer'),
    under('/run/wayfarer'),
    under('/var/log/wayfarer/wayfarer-agent.log'),
    under('/dev/log'),
    {
      files: [under('/etc/default/wayfarer-agent'), under('/etc/sysconfig/wayfarer-agent')],
      sharedFiles: [under('/etc/environment')],
      registryKey: '',
    },
  );
}

function unixLayout(
  configDir: string,
  dataDir: string,
  runDir: string,
  logFile: string,
  syslogSocket: string,
  proxy: ProxyPlaces,
): Paths {
  return {
    settingsFile: join(configDir, 'agent.conf'),
    hostIdFile: join(configDir, 'hostid'),
    dataDir,
    secretsDir: join(dataDir, 'secrets'),
    runDir,
    logFile,
    syslogSocket,
    proxy,
    scanKeys: join(configDir, 'ScanOnDemand'),
    readEndpoint: join(runDir, 'read.sock'),
    adminEndpoint: join(runDir, 'admin.sock'),
  };
}

function windowsLayout(root: string | undefined, environment: NodeJS.ProcessEnv): Paths {
  const programData = root ?? environment['ProgramData'] ?? 'C:\\ProgramData';
  const dataDir = win32.join(programData, 'Wayfarer', 'Agent');
  // Pipes have no directory: a moved root gets names of its own, so that two agents never share one.
  const suffix = root === undefined ? '' : `-${createHash('sha256').update(root).digest('hex').slice(0, 32)}`;
  return {
    settingsFile: win32.join(dataDir, 'agent.conf'),
    hostIdFile: win32.join(dataDir, 'hostid'),
    dataDir,
    secretsDir: win32.join(dataDir, 'secrets'),
    runDir: dataDir,
    logFile: win32.join(dataDir, 'Log.txt'),
    syslogSocket: '',
    proxy: { files: [], sharedFiles: [], registryKey: `SOFTWARE\\Wayfarer${suffix}\\Proxy` },
    scanKeys: `SOFTWARE\\Wayfarer${suffix}\\Agent\\ScanOnDemand`,
    readEndpoint: `\\\\.\\pipe\\wayfarer-read${suffix}`,
    adminEndpoint: `\\\\.\\pipe\\wayfarer-admin${suffix}`,
  };
}

/**
 * Makes the directories with the rights they need: data for the agent alone, settings and sockets traversable by all.
 * The log's is `openLog`'s to make: without a log the agent still runs. Throws as `ensureDirectory`.
 */
export function ensurePaths(paths: Paths): void {
  ensureDirectory(dirname(paths.settingsFile), 0o755);
  ensureDirectory(paths.dataDir, 0o700);
  // Also while it is empty: a folder that is there can be watched, and the first credentials count at once.
  ensureDirectory(paths.secretsDir, 0o700);
  ensureDirectory(paths.runDir, 0o755);
}
