import * as os from 'node:os';
import { arch, release, type as osType, type NetworkInterfaceInfo } from 'node:os';
import type { HostFacts } from '../../shared/wire.ts';
import {
  fingerprintOf,
  linuxFingerprintSources,
  readQuietly,
  type Fingerprint,
  type FingerprintSources,
} from './fingerprint.ts';

/** What the kernel is asked for its name and addresses. */
export type NamedHost = Pick<typeof os, 'hostname' | 'networkInterfaces'>;

/** Facts about this host for provisioning. Never throws: what can't be read is empty. */
export async function readHostFacts(host: NamedHost = os): Promise<HostFacts> {
  const fingerprint = await readFingerprint();
  const name = host.hostname();
  const external = addressesOfHost(host).filter((address) => !address.internal);
  return {
    hostname: name.slice(0, 255),
    fqdn: fullName(name).slice(0, 255),
    netbios: (name.split('.')[0] ?? '').slice(0, 15).toUpperCase(),
    os: osType().slice(0, 64),
    osVersion: osVersion().slice(0, 128),
    arch: arch(),
    macs: unique(external.map((address) => address.mac)).slice(0, 64),
    ips: unique(external.map((address) => address.address)).slice(0, 128),
    fingerprint: fingerprint.fingerprint,
    fingerprintSources: [...fingerprint.sources],
  };
}

/**
 * The hardware fingerprint. On Windows and macOS systeminformation names machine id and system UUID; loaded here only,
 * since it is large.
 */
async function readFingerprint(): Promise<Fingerprint> {
  if (process.platform === 'linux') return fingerprintOf(linuxFingerprintSources());
  return fingerprintOf(await otherSources());
}

async function otherSources(): Promise<FingerprintSources> {
  try {
    const { system, uuid } = await import('systeminformation');
    const [hardware, ids] = await Promise.all([system(), uuid()]);
    return { machineId: ids.os, systemUuid: hardware.uuid, systemSerial: hardware.serial };
  } catch {
    return {};
  }
}

/** Empty where the service may not ask the kernel (a unit without AF_NETLINK): the agent registers all the same. */
function addressesOfHost({ networkInterfaces }: NamedHost): NetworkInterfaceInfo[] {
  try {
    return Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  } catch {
    return [];
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** The host's full name from `/etc/hosts` where it stands there; no name server is asked. */
function fullName(name: string): string {
  if (name.includes('.') || process.platform === 'win32') return name;
  const names = readQuietly('/etc/hosts')?.split(/\s+/) ?? [];
  return names.find((candidate) => candidate.startsWith(`${name}.`)) ?? name;
}

function osVersion(): string {
  if (process.platform !== 'linux') return release();
  const text = readQuietly('/etc/os-release') ?? '';
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? release();
}
