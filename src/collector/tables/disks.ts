import { disksLinux } from '../linux/disks.ts';
import { disks as disksWindows } from '../windows/storage.ts';
import { disks as disksMacos } from '../macos/storage.ts';
import type { TableSpec } from '../table.ts';

export const disksTable: TableSpec = {
  name: 'disks',
  group: 'system',
  description: 'Physical disks: identity and capacity.',
  key: 'serial number or world wide name, else the device name',
  columns: {
    device: 'device name',
    vendor: 'vendor',
    model: 'model',
    serial: 'serial number',
    type: 'HDD, SSD, NVMe or virtual',
    interface: 'how it is attached: sata, nvme, usb, virtio, scsi',
    capacityBytes: 'capacity in bytes',
    removable: 'whether the medium is removable',
  },
  cost: 'low',
  readers: { linux: disksLinux, win32: disksWindows, darwin: disksMacos },
};
