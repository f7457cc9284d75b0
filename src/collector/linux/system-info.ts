import { machine } from 'node:os';
import type { Systeminformation } from 'systeminformation';
import { readText, readValue } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { known, systemInformation } from './system-information.ts';

/** Chassis types by number (DMTF DSP0134, "System Enclosure or Chassis Types"); laptops and what stands near them. */
const CHASSIS: Readonly<Record<string, string>> = {
  1: 'other',
  3: 'desktop',
  4: 'desktop',
  6: 'mini tower',
  7: 'tower',
  8: 'portable',
  9: 'laptop',
  10: 'notebook',
  11: 'handheld',
  13: 'all in one',
  14: 'sub notebook',
  17: 'server',
  23: 'server',
  30: 'tablet',
  31: 'convertible',
  32: 'detachable',
  35: 'mini pc',
  36: 'stick pc',
};

/** Longest NetBIOS name (RFC 1001: 16 bytes, the last one is the kind). */
const NETBIOS_LENGTH = 15;

const dmi = (context: ReadContext, name: string): string | null =>
  known(readValue(context, `/sys/class/dmi/id/${name}`));

interface Names {
  readonly hostname: string;
  readonly fqdn: string;
  readonly netbiosName: string;
}

/** Host names without any question to the network: kernel, /etc/hosts, Samba's configuration. */
function namesOf(context: ReadContext): Names {
  const full =
    readValue(context, '/proc/sys/kernel/hostname') ?? readValue(context, '/etc/hostname') ?? 'localhost';
  const hostname = full.split('.')[0] ?? full;
  const fqdn = full.includes('.')
    ? full
    : (fqdnInHosts(readText(context, '/etc/hosts') ?? '', hostname) ?? hostname);
  const samba = /^\s*netbios name\s*=\s*(\S+)/im.exec(readText(context, '/etc/samba/smb.conf') ?? '')?.[1];
  return { hostname, fqdn, netbiosName: (samba ?? hostname).slice(0, NETBIOS_LENGTH).toUpperCase() };
}

/** The first name with a domain on a line of hosts(5) that names the host. */
export function fqdnInHosts(hosts: string, hostname: string): string | undefined {
  for (const line of hosts.split('\n')) {
    const [, ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    if (names.some((name) => name === hostname || name.startsWith(`${hostname}.`))) {
      const full = names.find((name) => name.startsWith(`${hostname}.`));
      if (full !== undefined) return full;
    }
  }
  return undefined;
}

/** Hypervisor or container as the library names it, null on bare metal. */
function virtualizationOf(system: Systeminformation.SystemData | undefined): string | null {
  if (system?.virtual !== true) return null;
  return known(system.virtualHost) ?? 'unknown';
}

async function* readSystemInfo(context: ReadContext): AsyncGenerator<KeyedRow> {
  const system = await (await systemInformation(context))?.system();
  const chassis = readValue(context, '/sys/class/dmi/id/chassis_type');
  const uuid = dmi(context, 'product_uuid') ?? known(system?.uuid);
  const row = {
    vendor: dmi(context, 'sys_vendor') ?? known(system?.manufacturer),
    model: dmi(context, 'product_name') ?? known(system?.model),
    serial: dmi(context, 'product_serial') ?? known(system?.serial),
    uuid: uuid?.toLowerCase() ?? null,
    chassis: chassis === null ? null : (CHASSIS[chassis] ?? 'other'),
    virtualization: virtualizationOf(system),
    ...namesOf(context),
    kernel: readValue(context, '/proc/sys/kernel/osrelease'),
    arch: readValue(context, '/proc/sys/kernel/arch') ?? machine(),
    firmwareVendor: dmi(context, 'bios_vendor'),
    firmwareVersion: dmi(context, 'bios_version'),
  };
  yield { key: 'system', row };
}

export const systemInfoLinux: Reader = {
  source:
    '/sys/class/dmi/id, /proc/sys/kernel, /etc/hosts; systeminformation for hypervisor and boards without DMI',
  root: 'partly',
  read: readSystemInfo,
};
