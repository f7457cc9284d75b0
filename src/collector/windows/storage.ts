import { z } from 'zod';
import type { Reader } from '../table.ts';
import { int, text } from './fields.ts';
import { cim, type Batch } from './powershell.ts';
import { sectionReader } from './reader.ts';

/**
 * Disks, volumes, BitLocker and batteries.
 * Formats: MSFT_PhysicalDisk (Storage Management API), Win32_Volume (CIM Win32 provider), Win32_EncryptableVolume
 * (BitLocker provider), BatteryStaticData (Microsoft, "Battery WMI classes" of the driver documentation).
 */
const DISK = cim({
  name: 'disk',
  namespace: 'root/Microsoft/Windows/Storage',
  className: 'MSFT_PhysicalDisk',
  shape: z.object({
    DeviceId: text,
    FriendlyName: text,
    Manufacturer: text,
    Model: text,
    SerialNumber: text,
    MediaType: int,
    BusType: int,
    Size: int,
  }),
});

const VOLUME = cim({
  name: 'volume',
  className: 'Win32_Volume',
  shape: z.object({
    Name: text,
    DeviceID: text,
    FileSystem: text,
    Label: text,
    Capacity: int,
    DriveType: int,
  }),
});

const ENCRYPTABLE = cim({
  name: 'encryptable',
  namespace: 'root/cimv2/Security/MicrosoftVolumeEncryption',
  className: 'Win32_EncryptableVolume',
  shape: z.object({
    DeviceID: text,
    DriveLetter: text,
    ProtectionStatus: int,
    ConversionStatus: int,
    EncryptionMethod: int,
  }),
});

const BATTERY = cim({
  name: 'battery',
  namespace: 'root/wmi',
  className: 'BatteryStaticData',
  shape: z.object({
    InstanceName: text,
    DeviceName: text,
    ManufactureName: text,
    SerialNumber: text,
    Chemistry: int,
    DesignedCapacity: int,
  }),
});

export const STORAGE_BATCH: Batch = [DISK, VOLUME, ENCRYPTABLE, BATTERY];

const BUSES = new Map([
  [1, 'scsi'],
  [3, 'ata'],
  [7, 'usb'],
  [8, 'raid'],
  [9, 'iscsi'],
  [10, 'sas'],
  [11, 'sata'],
  [12, 'sd'],
  [13, 'mmc'],
  [14, 'virtual'],
  [15, 'virtual'],
  [16, 'storage spaces'],
  [17, 'nvme'],
]);
const REMOVABLE = new Set([7, 12]);

function diskType(media: number | null, bus: number | null): string | null {
  if (bus === 17) return 'NVMe';
  if (bus === 14 || bus === 15) return 'virtual';
  return media === 3 ? 'HDD' : media === 4 ? 'SSD' : null;
}

export const disks: Reader = sectionReader({
  source: 'MSFT_PhysicalDisk',
  root: 'partly',
  batch: STORAGE_BATCH,
  section: DISK,
  *rows(found) {
    for (const disk of found) {
      const device = disk.DeviceId === null ? null : `\\\\.\\PHYSICALDRIVE${disk.DeviceId}`;
      const key = disk.SerialNumber ?? device ?? disk.FriendlyName;
      if (key === null) continue;
      const row = {
        device,
        vendor: disk.Manufacturer,
        model: disk.Model ?? disk.FriendlyName,
        serial: disk.SerialNumber,
        type: diskType(disk.MediaType, disk.BusType),
        interface: BUSES.get(disk.BusType ?? -1) ?? null,
        capacityBytes: disk.Size,
        removable: REMOVABLE.has(disk.BusType ?? -1),
      };
      yield { key, row };
    }
  },
});

/** Local disk; removable, network and optical drives come and go. */
const FIXED_DRIVE = 3;

export const mounts: Reader = sectionReader({
  source: 'Win32_Volume',
  root: 'no',
  batch: STORAGE_BATCH,
  section: VOLUME,
  *rows(volumes) {
    for (const volume of volumes) {
      const unmounted = volume.Name === null || volume.Name.startsWith('\\\\?\\');
      if (volume.Name === null || unmounted || volume.DriveType !== FIXED_DRIVE) continue;
      const row = {
        path: volume.Name,
        device: volume.DeviceID,
        fsType: volume.FileSystem,
        options: null,
        label: volume.Label,
        capacityBytes: volume.Capacity,
      };
      yield { key: volume.Name, row };
    }
  },
});

const METHODS = new Map([
  [1, 'BitLocker AES-128 with diffuser'],
  [2, 'BitLocker AES-256 with diffuser'],
  [3, 'BitLocker AES-128'],
  [4, 'BitLocker AES-256'],
  [5, 'BitLocker hardware'],
  [6, 'BitLocker XTS-AES-128'],
  [7, 'BitLocker XTS-AES-256'],
]);
const FULLY_ENCRYPTED = 1;
const PROTECTED = 1;

export const diskEncryption: Reader = sectionReader({
  source: 'Win32_EncryptableVolume',
  root: 'yes',
  batch: STORAGE_BATCH,
  section: ENCRYPTABLE,
  *rows(volumes) {
    for (const volume of volumes) {
      const key = volume.DriveLetter ?? volume.DeviceID;
      if (key === null) continue;
      const byStatus = volume.ConversionStatus === null ? null : volume.ConversionStatus === FULLY_ENCRYPTED;
      const encrypted = byStatus ?? volume.ProtectionStatus === PROTECTED;
      const row = {
        device: volume.DeviceID ?? key,
        encrypted,
        method: METHODS.get(volume.EncryptionMethod ?? -1) ?? (encrypted ? 'BitLocker' : null),
        volume: volume.DriveLetter,
        backing: null,
      };
      yield { key, row };
    }
  },
});

/** Chemistry is four ASCII letters in one little-endian number: `LION`, `LiP`, `NiMH`. */
function chemistryOf(code: number | null): string | null {
  if (code === null) return null;
  const letters = [0, 8, 16, 24].map((shift) => String.fromCharCode((code >>> shift) & 0xff)).join('');
  const word = letters.replace(/[\0 ]+$/, '');
  return /^[A-Za-z]+$/.test(word) ? word : null;
}

export const battery: Reader = sectionReader({
  source: 'BatteryStaticData (root/wmi)',
  root: 'yes',
  batch: STORAGE_BATCH,
  section: BATTERY,
  *rows(batteries) {
    for (const found of batteries) {
      const key = found.SerialNumber ?? found.DeviceName ?? found.InstanceName;
      if (key === null) continue;
      const row = {
        device: found.DeviceName,
        vendor: found.ManufactureName,
        model: found.DeviceName,
        serial: found.SerialNumber,
        chemistry: chemistryOf(found.Chemistry),
        designCapacityMwh: found.DesignedCapacity,
      };
      yield { key, row };
    }
  },
});
