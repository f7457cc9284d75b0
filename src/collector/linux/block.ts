import { linkTarget, readValue } from '../files.ts';
import type { Place } from '../open-file.ts';
import { namesIn, textOf } from './tolerant.ts';

const CLASS = '/sys/class/block';

/** Devices with nothing physical behind them. */
const PSEUDO = /^(?:loop|ram|zram|nbd|fd|sr)\d/;

/** Names of block devices, partitions and mapped devices included, pseudo devices left out. */
export function blockDevices(place: Place): string[] {
  return namesIn(place, CLASS).filter((name) => !PSEUDO.test(name));
}

/** A value of a block device in /sys. */
export function blockValue(place: Place, device: string, name: string): string | null {
  return readValue(place, `${CLASS}/${device}/${name}`);
}

/** Names in a folder of a block device in /sys: slaves, holders. */
export function blockNames(place: Place, device: string, folder: string): string[] {
  return namesIn(place, `${CLASS}/${device}/${folder}`);
}

/** Where the kernel's device tree holds the device; tells how it is attached. */
export function blockPath(place: Place, device: string): string {
  return linkTarget(place, `${CLASS}/${device}`) ?? '';
}

/** Properties that udev keeps of a device (lines `E:NAME=value`); none where udev doesn't run. */
export function udevProperties(place: Place, device: string): Map<string, string> {
  const number = blockValue(place, device, 'dev');
  const text = number === null ? undefined : textOf(place, `/run/udev/data/b${number}`);
  const pairs = [...(text ?? '').matchAll(/^E:([^=\n]+)=(.*)$/gm)];
  return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
}
