import { joinKey, numbering } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { linkTarget } from '../files.ts';
import { oncePerContext, plistOf, textOf } from './commands.ts';
import { dict, intAt, list, readPlist, textAt, type PlistValue } from './plist-file.ts';

/**
 * Identity, processor and memory of a Mac.
 * Formats: SystemVersion.plist and preferences.plist (Apple, SCPreferences), sysctl(8) and sysctl(3) for the names,
 * system_profiler(8) with -xml: a list of one dictionary per data type, its records below `_items`.
 */
export const osVersion: Reader = {
  source: '/System/Library/CoreServices/SystemVersion.plist',
  root: 'no',
  async *read(context) {
    const plist = await readPlist(context, '/System/Library/CoreServices/SystemVersion.plist');
    if (plist === undefined) return;
    const row = {
      family: 'macos',
      name: textAt(plist, 'ProductName'),
      id: 'macos',
      idLike: null,
      version: textAt(plist, 'ProductVersion'),
      release: textAt(plist, 'ProductVersionExtra'),
      codename: null,
      build: textAt(plist, 'ProductBuildVersion'),
      edition: null,
    };
    yield { key: 'os', row };
  },
};

const NAMES = [
  'hw.model',
  'hw.machine',
  'hw.memsize',
  'hw.packages',
  'hw.physicalcpu',
  'hw.logicalcpu',
  'hw.optional.arm64',
  'kern.hostname',
  'kern.osrelease',
  'kern.hv_vmm_present',
  'machdep.cpu.brand_string',
  'machdep.cpu.vendor',
  'machdep.cpu.family',
  'machdep.cpu.model',
  'machdep.cpu.stepping',
];

/** `name: value` lines of sysctl; `-i` passes over names that this machine lacks. */
export function parseSysctl(output: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    const at = line.indexOf(': ');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 2).trim());
  }
  return values;
}

const sysctls = oncePerContext(async (context) =>
  parseSysctl(await textOf(context, 'sysctl', '-i', ...NAMES)),
);

/** Records of a data type of system_profiler, by its name. */
export function profilerItems(plist: PlistValue, type: string): readonly PlistValue[] {
  const section = list(plist).find((entry) => textAt(entry, '_dataType') === type);
  return list(dict(section).get('_items'));
}

const HARDWARE = 'SPHardwareDataType';
const MEMORY = 'SPMemoryDataType';
const profiled = oncePerContext((context) =>
  plistOf(context, 'system_profiler', '-xml', '-detailLevel', 'basic', HARDWARE, MEMORY),
);

const architectureOf = (values: ReadonlyMap<string, string>): string | null =>
  values.get('hw.optional.arm64') === '1' ? 'aarch64' : (values.get('hw.machine') ?? null);

const PREFERENCES = '/Library/Preferences/SystemConfiguration/preferences.plist';
const SMB = '/Library/Preferences/SystemConfiguration/com.apple.smb.server.plist';

/** Names that stay while DHCP renames the running host. */
async function storedNames(context: ReadContext): Promise<{
  host: string | null;
  local: string | null;
  netbios: string | null;
}> {
  const system = dict(dict(await readPlist(context, PREFERENCES)).get('System'));
  const network = dict(system.get('Network'));
  return {
    host: textAt(system.get('System'), 'HostName'),
    local: textAt(network.get('HostNames'), 'LocalHostName'),
    netbios: textAt(await readPlist(context, SMB), 'NetBIOSName'),
  };
}

export const systemInfo: Reader = {
  source: 'system_profiler, sysctl, preferences.plist',
  root: 'no',
  async *read(context) {
    const values = await sysctls(context);
    const hardware = profilerItems(await profiled(context), HARDWARE)[0];
    const stored = await storedNames(context);
    const full = stored.host ?? stored.local ?? values.get('kern.hostname') ?? null;
    const hostname = full?.split('.')[0] ?? null;
    const row = {
      vendor: 'Apple Inc.',
      model: textAt(hardware, 'machine_model') ?? values.get('hw.model') ?? null,
      serial: textAt(hardware, 'serial_number'),
      uuid: textAt(hardware, 'platform_UUID')?.toLowerCase() ?? null,
      chassis: textAt(hardware, 'machine_name'),
      virtualization: values.get('kern.hv_vmm_present') === '1' ? 'apple' : null,
      hostname,
      fqdn: full,
      netbiosName: (stored.netbios ?? hostname)?.slice(0, 15).toUpperCase() ?? null,
      kernel: values.get('kern.osrelease') ?? null,
      arch: architectureOf(values),
      firmwareVendor: 'Apple Inc.',
      firmwareVersion: textAt(hardware, 'boot_rom_version'),
    };
    yield { key: 'system', row };
  },
};

const numberIn = (values: ReadonlyMap<string, string>, name: string): number | null => {
  const value = Number(values.get(name) ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : null;
};

export const cpu: Reader = {
  source: 'sysctl',
  root: 'no',
  async *read(context) {
    const values = await sysctls(context);
    const packages = numberIn(values, 'hw.packages') ?? 1;
    const share = (name: string): number | null => {
      const all = numberIn(values, name);
      return all === null ? null : Math.floor(all / Math.max(1, packages));
    };
    for (let index = 0; index < Math.min(packages, 64); index += 1) {
      const row = {
        vendor: values.get('machdep.cpu.vendor') ?? 'Apple',
        brand: values.get('machdep.cpu.brand_string') ?? null,
        family: values.get('machdep.cpu.family') ?? null,
        model: values.get('machdep.cpu.model') ?? null,
        stepping: values.get('machdep.cpu.stepping') ?? null,
        cores: share('hw.physicalcpu'),
        threads: share('hw.logicalcpu'),
        arch: architectureOf(values),
      };
      yield { key: String(index), row };
    }
  },
};

/** `8 GB`; Macs with fixed memory have one record without slots. */
function bytesOf(size: string | null): number | null {
  const match = /^(\d+) (MB|GB|TB)$/.exec(size ?? '');
  if (match === null) return null;
  const power = { MB: 2, GB: 3, TB: 4 }[match[2] as 'MB' | 'GB' | 'TB'];
  return Number(match[1]) * 1024 ** power;
}

export const memory: Reader = {
  source: 'sysctl hw.memsize, system_profiler SPMemoryDataType',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const total = numberIn(await sysctls(context), 'hw.memsize');
    const none = { type: null, manufacturer: null, partNumber: null, serial: null };
    if (total !== null) yield { key: 'total', row: { capacityBytes: total, ...none } };
    const records = profilerItems(await profiled(context), MEMORY);
    const modules = records.flatMap((record) => list(dict(record).get('_items')));
    const keyOf = numbering();
    for (const module of modules) {
      const slot = textAt(module, '_name');
      if (slot === null || textAt(module, 'dimm_size') === 'empty') continue;
      const row = {
        capacityBytes: bytesOf(textAt(module, 'dimm_size')) ?? intAt(module, 'dimm_size'),
        type: textAt(module, 'dimm_type'),
        manufacturer: textAt(module, 'dimm_manufacturer'),
        partNumber: textAt(module, 'dimm_part_number'),
        serial: textAt(module, 'dimm_serial_number'),
      };
      yield { key: keyOf(joinKey(slot, row.partNumber, row.serial)), row };
    }
  },
};

export const timezone: Reader = {
  source: '/etc/localtime',
  root: 'no',
  *read(context) {
    const name = linkTarget(context, '/etc/localtime')?.split('/zoneinfo/')[1];
    if (name !== undefined) yield { key: 'timezone', row: { name } };
  },
};
