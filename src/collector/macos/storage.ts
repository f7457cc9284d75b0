import type { KeyedRow, Reader } from '../table.ts';
import { oncePerContext, plistOf, textOf } from './commands.ts';
import { dict, flagAt, intAt, list, parsePlist, textAt, type PlistValue } from './plist-file.ts';
import { profilerItems } from './system.ts';

/**
 * Disks, mounts, FileVault and batteries.
 * Formats: diskutil(8) `apfs list -plist`, system_profiler(8) -xml for NVMe and SATA, mount(8), ioreg(8) -a with the
 * properties of AppleSmartBattery.
 */
const NVME = 'SPNVMeDataType';
const SATA = 'SPSerialATADataType';
const profiled = oncePerContext((context) => plistOf(context, 'system_profiler', '-xml', NVME, SATA));

/** Disks of controllers: records with a size in bytes, at any of the two levels that system_profiler uses. */
function* disksOf(plist: PlistValue, type: string): Generator<PlistValue> {
  for (const controller of profilerItems(plist, type)) {
    if (intAt(controller, 'size_in_bytes') !== null) yield controller;
    for (const disk of list(dict(controller).get('_items'))) {
      if (intAt(disk, 'size_in_bytes') !== null) yield disk;
    }
  }
}

export const disks: Reader = {
  source: 'system_profiler SPNVMeDataType SPSerialATADataType',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const plist = await profiled(context);
    for (const type of [NVME, SATA]) {
      for (const disk of disksOf(plist, type)) {
        const name = textAt(disk, 'bsd_name');
        const serial = textAt(disk, 'device_serial');
        const key = serial ?? name;
        if (key === null) continue;
        const spinning = /rotational/i.test(textAt(disk, 'spsata_medium_type') ?? '');
        const row = {
          device: name === null ? null : `/dev/${name}`,
          vendor: null,
          model: textAt(disk, 'device_model') ?? textAt(disk, '_name'),
          serial,
          type: type === NVME ? 'NVMe' : spinning ? 'HDD' : 'SSD',
          interface: type === NVME ? 'nvme' : 'sata',
          capacityBytes: intAt(disk, 'size_in_bytes'),
          removable: textAt(disk, 'removable_media') === 'yes',
        };
        yield { key, row };
      }
    }
  },
};

/** `device on path (type, option, option)`. */
const MOUNT = /^(.*?) on (.*) \(([^(),]+)((?:, [^(),]+)*)\)$/;
const PSEUDO = new Set(['devfs', 'autofs', 'nullfs', 'lifs']);

export const mounts: Reader = {
  source: 'mount',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    for (const line of (await textOf(context, 'mount')).split('\n')) {
      const match = MOUNT.exec(line);
      if (match === null) continue;
      const [, device = '', path = '', fsType = '', rest = ''] = match;
      if (PSEUDO.has(fsType)) continue;
      const options = rest
        .split(', ')
        .filter((option) => option !== '')
        .sort();
      const row = { path, device, fsType, options: options.join(','), label: null, capacityBytes: null };
      yield { key: path, row };
    }
  },
};

export const diskEncryption: Reader = {
  source: 'diskutil apfs list',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const plist = await plistOf(context, 'diskutil', 'apfs', 'list', '-plist');
    for (const container of list(dict(plist).get('Containers'))) {
      const stores = list(dict(container).get('PhysicalStores')).map((store) =>
        textAt(store, 'DeviceIdentifier'),
      );
      for (const volume of list(dict(container).get('Volumes'))) {
        const device = textAt(volume, 'DeviceIdentifier');
        if (device === null) continue;
        const fileVault = flagAt(volume, 'FileVault') === true;
        const encrypted = fileVault || flagAt(volume, 'Encryption') === true;
        const backing = stores.filter((store) => store !== null).sort();
        const method = fileVault ? 'FileVault' : encrypted ? 'APFS' : null;
        yield { key: device, row: { device, encrypted, method, volume: textAt(volume, 'Name'), backing } };
      }
    }
  },
};

/** Nominal voltage is not told, so a capacity in mAh can't be turned into mWh. */
export const battery: Reader = {
  source: 'ioreg AppleSmartBattery',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const { stdout } = await context.run('ioreg', ['-a', '-r', '-c', 'AppleSmartBattery']);
    // A Mac without a battery prints nothing at all.
    if (stdout.length === 0) return;
    for (const found of list(await parsePlist(stdout, 'ioreg'))) {
      const serial = textAt(found, 'Serial') ?? textAt(found, 'BatterySerialNumber');
      const device = textAt(found, 'DeviceName');
      const key = serial ?? device;
      if (key === null) continue;
      const vendor = textAt(found, 'Manufacturer');
      yield { key, row: { device, vendor, model: device, serial, chemistry: null, designCapacityMwh: null } };
    }
  },
};
