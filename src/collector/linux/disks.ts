import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { blockDevices, blockPath, blockValue, udevProperties } from './block.ts';
import { known } from './system-information.ts';

/** Sectors of /sys/class/block are 512 bytes, whatever the disk's own are (Linux, block/partitions/core.c). */
const SECTOR = 512;

/** Devices made of others: device mapper, software RAID, their boot partitions. */
const COMPOSED = /^(?:dm-|md)\d|^mmcblk\d+boot\d+$/;

/** How a disk is attached, by a part of its path in the device tree; the first that matches. */
const ATTACHED: readonly (readonly [RegExp, string])[] = [
  [/\/usb\d/, 'usb'],
  [/\/nvme/, 'nvme'],
  [/\/virtio\d/, 'virtio'],
  [/\/mmc_host/, 'mmc'],
  [/\/ata\d/, 'sata'],
  [/\/host\d/, 'scsi'],
];

function kindOf(attached: string | null, rotational: boolean): string {
  if (attached === 'nvme') return 'NVMe';
  if (attached === 'virtio') return 'virtual';
  return rotational ? 'HDD' : 'SSD';
}

function diskRow(context: ReadContext, device: string): KeyedRow {
  const value = (name: string): string | null => known(blockValue(context, device, name));
  const udev = udevProperties(context, device);
  const path = blockPath(context, device);
  const attached = ATTACHED.find(([pattern]) => pattern.test(path))?.[1] ?? null;
  const serial = value('device/serial') ?? value('serial') ?? known(udev.get('ID_SERIAL_SHORT'));
  const wwid = value('wwid') ?? value('device/wwid') ?? known(udev.get('ID_WWN'));
  const row = {
    device,
    vendor: value('device/vendor'),
    model: value('device/model') ?? known(udev.get('ID_MODEL')),
    serial,
    type: kindOf(attached, blockValue(context, device, 'queue/rotational') === '1'),
    interface: attached,
    capacityBytes: Number(blockValue(context, device, 'size') ?? 0) * SECTOR,
    removable: blockValue(context, device, 'removable') === '1',
  };
  return { key: serial ?? wwid ?? device, row };
}

/** Whole disks with a medium; several paths to one disk (multipath) are one row. */
function* readDisks(context: ReadContext): Generator<KeyedRow> {
  const seen = new Set<string>();
  for (const device of blockDevices(context)) {
    if (COMPOSED.test(device) || blockValue(context, device, 'partition') !== null) continue;
    const row = diskRow(context, device);
    if (row.row['capacityBytes'] === 0 || seen.has(row.key)) continue;
    seen.add(row.key);
    yield row;
  }
}

export const disksLinux: Reader = {
  source: '/sys/class/block, properties of udev in /run/udev/data',
  root: 'no',
  read: readDisks,
};
