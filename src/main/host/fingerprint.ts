import { createHash } from 'node:crypto';
import { readSmallFile } from './atomic-file.ts';

/** One source of the hardware fingerprint, by name. */
export type FingerprintSources = Readonly<Record<string, string | undefined>>;

/** What identifies the hardware and the installation, never the network: roaming must not look like a clone. */
export interface Fingerprint {
  readonly fingerprint: string;
  readonly sources: readonly string[];
}

/** Values that boards ship with instead of an identity; they would make strangers look alike. */
const MEANINGLESS =
  /^(0+|f+|none|n\/?a|not (specified|applicable|available)|to be filled.*|default string|system serial number|unknown)$/i;

/** SHA-256 over the sources that say something, each with its name, in name order. */
export function fingerprintOf(sources: FingerprintSources): Fingerprint {
  const used = Object.entries(sources)
    .map(([name, value]) => [name, value?.trim().toLowerCase() ?? ''] as const)
    .filter(([, value]) => value !== '' && !MEANINGLESS.test(value.replaceAll('-', '')))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256');
  for (const [name, value] of used) hash.update(`${name}=${value}\n`);
  return { fingerprint: hash.digest('hex'), sources: used.map(([name]) => name) };
}

const LINUX_SOURCES = {
  machineId: '/etc/machine-id',
  systemUuid: '/sys/class/dmi/id/product_uuid',
  systemSerial: '/sys/class/dmi/id/product_serial',
} as const;

/**
 * Sources on Linux: machine-id(5), and the DMI UUID and serial number, which only root may read. A source that is
 * missing or not readable is left out.
 */
export function linuxFingerprintSources(
  read: (path: string) => string | undefined = readQuietly,
): FingerprintSources {
  return Object.fromEntries(Object.entries(LINUX_SOURCES).map(([name, path]) => [name, read(path)]));
}

function readQuietly(path: string): string | undefined {
  try {
    return readSmallFile(path, 4096);
  } catch {
    return undefined;
  }
}
