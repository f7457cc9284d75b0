import { joinKey, numbering } from '../key.ts';
import { z } from 'zod';
import type { KeyedRow, Reader } from '../table.ts';
import { int, ints, text } from './fields.ts';
import { cim, readSection, type Batch, type Section } from './powershell.ts';
import { sectionReader } from './reader.ts';

/**
 * Identity, processor and memory of a Windows host.
 * Formats: Win32_OperatingSystem, Win32_ComputerSystem, Win32_ComputerSystemProduct, Win32_BIOS,
 * Win32_SystemEnclosure, Win32_Processor, Win32_PhysicalMemory (Microsoft CIM Win32 provider reference);
 * chassis types and memory types from SMBIOS (DMTF DSP0134, tables 17 and 78).
 */
const OS: Section<{
  caption: string | null;
  version: string | null;
  build: string | null;
  revision: number | null;
  display: string | null;
  edition: string | null;
}> = {
  name: 'os',
  script:
    `$k=(Machine).OpenSubKey('SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion');` +
    `$o=Get-CimInstance -ClassName 'Win32_OperatingSystem';` +
    `$d=$k.GetValue('DisplayVersion');if(-not $d){$d=$k.GetValue('ReleaseId')};` +
    `[pscustomobject]@{caption=$o.Caption;version=$o.Version;build=$k.GetValue('CurrentBuildNumber');` +
    `revision=$k.GetValue('UBR');display=$d;edition=$k.GetValue('EditionID')}`,
  shape: z.object({ caption: text, version: text, build: text, revision: int, display: text, edition: text }),
};

const COMPUTER = cim({
  name: 'computer',
  className: 'Win32_ComputerSystem',
  shape: z.object({
    Manufacturer: text,
    Model: text,
    Name: text,
    DNSHostName: text,
    Domain: text,
    DomainRole: int,
  }),
});

const PRODUCT = cim({
  name: 'product',
  className: 'Win32_ComputerSystemProduct',
  shape: z.object({ UUID: text, IdentifyingNumber: text }),
});

const BIOS = cim({
  name: 'bios',
  className: 'Win32_BIOS',
  shape: z.object({ Manufacturer: text, SMBIOSBIOSVersion: text, SerialNumber: text }),
});

const ENCLOSURE = cim({
  name: 'enclosure',
  className: 'Win32_SystemEnclosure',
  shape: z.object({ ChassisTypes: ints }),
});

const PROCESSOR = cim({
  name: 'processor',
  className: 'Win32_Processor',
  shape: z.object({
    Manufacturer: text,
    Name: text,
    Description: text,
    Architecture: int,
    NumberOfCores: int,
    NumberOfLogicalProcessors: int,
  }),
});

const MODULE = cim({
  name: 'module',
  className: 'Win32_PhysicalMemory',
  shape: z.object({
    DeviceLocator: text,
    BankLabel: text,
    Capacity: int,
    SMBIOSMemoryType: int,
    Manufacturer: text,
    PartNumber: text,
    SerialNumber: text,
  }),
});

const TIMEZONE: Section<{ name: string | null }> = {
  name: 'timezone',
  script:
    `$k=(Machine).OpenSubKey('SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation');` +
    `[pscustomobject]@{name=[string]$k.GetValue('TimeZoneKeyName')}`,
  shape: z.object({ name: text }),
};

export const SYSTEM_BATCH: Batch = [OS, COMPUTER, PRODUCT, BIOS, ENCLOSURE, PROCESSOR, MODULE, TIMEZONE];

export const osVersion: Reader = sectionReader({
  source: 'Win32_OperatingSystem, registry SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion',
  root: 'no',
  batch: SYSTEM_BATCH,
  section: OS,
  *rows([os]) {
    if (os === undefined) return;
    const build = os.build === null || os.revision === null ? os.build : `${os.build}.${String(os.revision)}`;
    const row = {
      family: 'windows',
      name: os.caption,
      id: 'windows',
      idLike: null,
      version: os.version,
      release: os.display,
      codename: null,
      build,
      edition: os.edition,
    };
    yield { key: 'os', row };
  },
});

const ARCHITECTURES = new Map([
  [0, 'x86'],
  [5, 'arm'],
  [9, 'x86_64'],
  [12, 'aarch64'],
]);
const architecture = (code: number | null): string | null => ARCHITECTURES.get(code ?? -1) ?? null;

const CHASSIS = new Map([
  [3, 'desktop'],
  [4, 'desktop'],
  [6, 'mini tower'],
  [7, 'tower'],
  [8, 'portable'],
  [9, 'laptop'],
  [10, 'notebook'],
  [11, 'handheld'],
  [13, 'all in one'],
  [14, 'sub notebook'],
  [17, 'server'],
  [23, 'server'],
  [28, 'blade'],
  [30, 'tablet'],
  [31, 'convertible'],
  [32, 'detachable'],
  [35, 'mini pc'],
]);

/** Vendor and model that hypervisors write into SMBIOS; Win32_ComputerSystem has no name of the hypervisor. */
const HYPERVISORS: readonly (readonly [RegExp, string])[] = [
  [/vmware/i, 'vmware'],
  [/virtualbox|innotek/i, 'oracle'],
  [/qemu|kvm/i, 'kvm'],
  [/\bxen\b/i, 'xen'],
  [/parallels/i, 'parallels'],
  [/microsoft corporation virtual machine/i, 'microsoft'],
  [/amazon ec2/i, 'amazon'],
  [/google compute engine/i, 'google'],
];

/** NetBIOS names end after 15 characters and are upper case (Microsoft, "Computer naming conventions"). */
const netbios = (name: string | null): string | null =>
  name === null ? null : name.slice(0, 15).toUpperCase();

/** Roles 1, 3, 4 and 5 are members or controllers of a domain; else `Domain` holds a workgroup. */
const IN_DOMAIN = new Set([1, 3, 4, 5]);

export const systemInfo: Reader = {
  source: 'Win32_ComputerSystem, Win32_ComputerSystemProduct, Win32_BIOS, Win32_SystemEnclosure',
  root: 'no',
  async *read(context) {
    const one = async <T>(section: Section<T>): Promise<T | undefined> =>
      (await readSection(context, SYSTEM_BATCH, section))[0];
    const computer = await one(COMPUTER);
    if (computer === undefined) return;
    const product = await one(PRODUCT);
    const bios = await one(BIOS);
    const enclosure = await one(ENCLOSURE);
    const os = await one(OS);
    const processor = await one(PROCESSOR);
    const hostname = computer.DNSHostName ?? computer.Name;
    const domain = IN_DOMAIN.has(computer.DomainRole ?? 0) ? computer.Domain : null;
    const machine = `${computer.Manufacturer ?? ''} ${computer.Model ?? ''}`;
    const row = {
      vendor: computer.Manufacturer,
      model: computer.Model,
      serial: bios?.SerialNumber ?? product?.IdentifyingNumber ?? null,
      uuid: product?.UUID?.toLowerCase() ?? null,
      chassis:
        enclosure?.ChassisTypes.map((type) => CHASSIS.get(type)).find((word) => word !== undefined) ?? null,
      virtualization: HYPERVISORS.find(([pattern]) => pattern.test(machine))?.[1] ?? null,
      hostname,
      fqdn: hostname === null || domain === null ? hostname : `${hostname}.${domain}`,
      netbiosName: netbios(computer.Name),
      kernel: os?.version ?? null,
      arch: architecture(processor?.Architecture ?? null),
      firmwareVendor: bios?.Manufacturer ?? null,
      firmwareVersion: bios?.SMBIOSBIOSVersion ?? null,
    };
    yield { key: 'system', row };
  },
};

/** `Intel64 Family 6 Model 154 Stepping 3`: an identifier of the registry, the same in every language. */
const PROCESSOR_ID = /Family (\d+) Model (\d+) Stepping (\d+)/;

export const cpu: Reader = sectionReader({
  source: 'Win32_Processor',
  root: 'no',
  batch: SYSTEM_BATCH,
  section: PROCESSOR,
  *rows(processors) {
    for (const [index, processor] of processors.entries()) {
      const id = PROCESSOR_ID.exec(processor.Description ?? '');
      const row = {
        vendor: processor.Manufacturer,
        brand: processor.Name,
        family: id?.[1] ?? null,
        model: id?.[2] ?? null,
        stepping: id?.[3] ?? null,
        cores: processor.NumberOfCores,
        threads: processor.NumberOfLogicalProcessors,
        arch: architecture(processor.Architecture),
      };
      yield { key: String(index), row };
    }
  },
});

const MEMORY_TYPES = new Map([
  [20, 'DDR'],
  [21, 'DDR2'],
  [24, 'DDR3'],
  [26, 'DDR4'],
  [27, 'LPDDR'],
  [28, 'LPDDR2'],
  [29, 'LPDDR3'],
  [30, 'LPDDR4'],
  [34, 'DDR5'],
  [35, 'LPDDR5'],
]);

export const memory: Reader = sectionReader({
  source: 'Win32_PhysicalMemory',
  root: 'no',
  batch: SYSTEM_BATCH,
  section: MODULE,
  *rows(modules) {
    if (modules.length === 0) return;
    const total = modules.reduce((sum, { Capacity }) => sum + (Capacity ?? 0), 0);
    const none = { type: null, manufacturer: null, partNumber: null, serial: null };
    yield { key: 'total', row: { capacityBytes: total, ...none } };
    const keyOf = numbering();
    for (const module of modules) {
      const slot = [module.BankLabel, module.DeviceLocator].filter((part) => part !== null).join('/');
      const row = {
        capacityBytes: module.Capacity,
        type: MEMORY_TYPES.get(module.SMBIOSMemoryType ?? -1) ?? null,
        manufacturer: module.Manufacturer,
        partNumber: module.PartNumber,
        serial: module.SerialNumber,
      };
      yield { key: keyOf(joinKey(slot, row.partNumber, row.serial)), row };
    }
  },
});

export const timezone: Reader = sectionReader({
  source: 'registry SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation',
  root: 'no',
  batch: SYSTEM_BATCH,
  section: TIMEZONE,
  *rows([zone]): Iterable<KeyedRow> {
    if (zone !== undefined && zone.name !== null) yield { key: 'timezone', row: { name: zone.name } };
  },
});
