import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { blockDevices, blockNames, blockValue, udevProperties } from './block.ts';

interface Mapping {
  readonly volume: string;
  readonly method: string;
}

/** The form of encryption in a device mapper uuid: CRYPT-LUKS2-<uuid>-<name> (cryptsetup). */
const CRYPT = /^CRYPT-([A-Z0-9]+)/;

/** Open encrypted volumes by the device that holds their data. */
function mappings(context: ReadContext, devices: readonly string[]): Map<string, Mapping> {
  const found = new Map<string, Mapping>();
  for (const device of devices) {
    const method = CRYPT.exec(blockValue(context, device, 'dm/uuid') ?? '')?.[1];
    if (method === undefined) continue;
    const volume = blockValue(context, device, 'dm/name') ?? device;
    for (const backing of blockNames(context, device, 'slaves')) found.set(backing, { volume, method });
  }
  return found;
}

/** A disk that partitions or other devices are made of says nothing by itself, unless it is encrypted as a whole. */
function isDivided(context: ReadContext, device: string, devices: readonly string[]): boolean {
  return devices.some((other) => other !== device && blockNames(context, device, '').includes(other));
}

/** Numbers of mapped devices change between boots, their names don't. */
const stableName = (context: ReadContext, device: string): string =>
  blockValue(context, device, 'dm/name') ?? device;

function* readDiskEncryption(context: ReadContext): Generator<KeyedRow> {
  const devices = blockDevices(context).filter(
    (device) => (blockValue(context, device, 'size') ?? '0') !== '0',
  );
  const open = mappings(context, devices);
  for (const device of devices) {
    const mapping = open.get(device);
    const isOpenVolume = CRYPT.test(blockValue(context, device, 'dm/uuid') ?? '');
    if (isOpenVolume || (mapping === undefined && isDivided(context, device, devices))) continue;
    const locked = udevProperties(context, device).get('ID_FS_TYPE') === 'crypto_LUKS';
    const name = stableName(context, device);
    const row = {
      device: name,
      encrypted: mapping !== undefined || locked,
      method: mapping?.method ?? (locked ? 'LUKS' : null),
      volume: mapping?.volume ?? null,
      backing: blockNames(context, device, 'slaves').map((slave) => stableName(context, slave)),
    };
    yield { key: name, row };
  }
}

export const diskEncryptionLinux: Reader = {
  source: 'device mapper in /sys/class/block, filesystem types of udev',
  root: 'no',
  read: readDiskEncryption,
};
