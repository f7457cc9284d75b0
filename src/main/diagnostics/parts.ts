import { existsSync } from 'node:fs';
import { arch, freemem, release, totalmem, type, uptime, version } from 'node:os';
import { basename, dirname } from 'node:path';
import type { AgentStatus } from '../../shared/status.ts';
import { AGENT_VERSION } from '../../shared/wire.ts';
import type { Health } from '../health/health.ts';
import { isErrno } from '../host/atomic-file.ts';
import { logFiles } from '../host/log-files.ts';
import type { NetworkState } from '../host/network/network.ts';
import type { Paths } from '../host/paths.ts';
import type { Part } from './archive.ts';

/** What an archive for support is made of. */
export interface Subject {
  readonly paths: Paths;
  /** The status, or why there is none. */
  readonly status: AgentStatus | { readonly unknown: string };
  readonly health: Health;
  readonly network: NetworkState;
}

/** The parts of an archive for support, those included that this user may not read. */
export function partsOf({ paths, status, health, network }: Subject): Part[] {
  const { files, sharedFiles } = paths.proxy;
  return [
    'unknown' in status
      ? { name: 'status.json', missing: status.unknown }
      : { name: 'status.json', value: status },
    { name: 'health.json', value: health },
    { name: 'host.json', value: hostFacts() },
    { name: 'network.json', value: network },
    settingsPart(paths.settingsFile),
    ...files.filter(existsSync).map(proxyPart),
    ...sharedFiles.filter(existsSync).map((file) => ({ ...proxyPart(file), wanted: isProxySetting })),
    ...logParts(paths.logFile),
  ];
}

function settingsPart(file: string): Part {
  return existsSync(file)
    ? { name: 'settings/agent.conf', file }
    : { name: 'settings/agent.conf', missing: 'not there' };
}

/** Proxy settings, by the folder and name that they have: `settings/default.wayfarer-agent`. */
const proxyPart = (file: string) => ({
  name: `settings/${basename(dirname(file))}.${basename(file)}`,
  file,
});

/** A file of the whole system holds secrets of other programs, by names that no redaction knows. */
const isProxySetting = (line: string): boolean =>
  /^\s*(?:export\s+)?(?:wayfarer_\w+|(?:https?|all|no)_proxy)\s*=/i.test(line);

/** The newest first, since room is given in this order; without `.gz`, as they are decompressed. */
function logParts(logFile: string): Part[] {
  const name = `log/${basename(logFile)}`;
  try {
    const found = logFiles(logFile);
    if (found.length === 0) return [{ name, missing: 'not there' }];
    return found.map((file) => ({ name: `log/${basename(file).replace(/\.gz$/, '')}`, file, log: true }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ name, missing: isErrno(error, 'EACCES') ? 'this user may not look into its folder' : reason }];
  }
}

const hostFacts = (): unknown => ({
  agentVersion: AGENT_VERSION,
  node: process.version,
  system: type(),
  release: release(),
  version: version(),
  arch: arch(),
  uptimeSec: Math.round(uptime()),
  memoryBytes: totalmem(),
  freeMemoryBytes: freemem(),
  user: process.geteuid?.() === 0 ? 'root' : 'an ordinary user',
});
