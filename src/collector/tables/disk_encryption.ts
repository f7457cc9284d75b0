import { diskEncryptionLinux } from '../linux/disk-encryption.ts';
import { diskEncryption as diskEncryptionWindows } from '../windows/storage.ts';
import { diskEncryption as diskEncryptionMacos } from '../macos/storage.ts';
import type { TableSpec } from '../table.ts';

export const diskEncryptionTable: TableSpec = {
  name: 'disk_encryption',
  group: 'system',
  description: 'Whether block devices and volumes are encrypted.',
  key: 'device or volume name',
  columns: {
    device: 'block device or volume',
    encrypted: 'whether its content is encrypted',
    method: 'LUKS2, LUKS1, plain, BitLocker, FileVault …',
    volume: 'name of the decrypted volume or its drive letter',
    backing: 'devices that hold the encrypted data',
  },
  cost: 'low',
  readers: { linux: diskEncryptionLinux, win32: diskEncryptionWindows, darwin: diskEncryptionMacos },
};
