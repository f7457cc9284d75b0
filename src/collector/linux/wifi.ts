import { linkTarget, readValue } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { interfaces } from './net.ts';
import { textOf } from './tolerant.ts';

function* readWifi(context: ReadContext): Generator<KeyedRow> {
  for (const { name, mac } of interfaces(context).filter(({ type }) => type === 'wifi')) {
    const folder = `/sys/class/net/${name}`;
    const udev = textOf(context, `/run/udev/data/n${readValue(context, `${folder}/ifindex`) ?? ''}`) ?? '';
    const property = (key: string): string | null =>
      new RegExp(`^E:${key}=(.+)$`, 'm').exec(udev)?.[1] ?? null;
    const row = {
      interface: name,
      vendor: property('ID_VENDOR_FROM_DATABASE') ?? readValue(context, `${folder}/device/vendor`),
      model: property('ID_MODEL_FROM_DATABASE') ?? readValue(context, `${folder}/device/device`),
      mac,
      driver: linkTarget(context, `${folder}/device/driver`)?.split('/').at(-1) ?? null,
    };
    yield { key: name, row };
  }
}

export const wifiLinux: Reader = {
  source: '/sys/class/net, names of the hardware database of udev',
  root: 'no',
  read: readWifi,
};
