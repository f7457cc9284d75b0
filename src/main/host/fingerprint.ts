import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { readSmallFile } from './atomic-file.ts';

/** One source of the hardware fingerprint, by name. */
export type FingerprintSources = Readonly<Record<string, string | undefined>>;

/** What identifies the hardware and the installation, never the network: roaming must not look like a clone. */
export interface Fingerprint {
  readonly fingerprint: string;
  readonly sources: readonly string[];
}

/**
 * Values that boards and images ship with instead of an identity; they would make strangers look alike. Compared in
 * lower case without hyphens. `uninitialized` is machine-id(5)'s before the first boot, the UUID that of boards whose
 * vendor never set one.
 */
const MEANINGLESS = new RegExp(
  `^(${[
    '(.)\\2*',
    'none',
    'n\\/a',
    'null',
    'invalid',
    'unknown',
    'uninitialized',
    'not ?(specified|applicable|available|present|set)',
    'to be filled.*',
    'default( string)?',
    '(system|chassis|base ?board|board)? ?serial ?(number|no\\.?)?',
    'o\\.?e\\.?m\\.?',
    '0?123456789?0?',
    '03000200040005000006000700080009',
  ].join('|')})$`,
);

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

/** The text of a small system file, `undefined` where it can't be read. */
export function readQuietly(path: string): string | undefined {
  try {
    // /etc/machine-id is a link on systems without systemd, /etc/os-release on most.
    return readSmallFile(realpathSync(path));
  } catch {
    return undefined;
  }
}
