import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { interfaces } from './net.ts';

function* readInterfaces(context: ReadContext): Generator<KeyedRow> {
  for (const { name, mac, type, virtual } of interfaces(context))
    yield { key: name, row: { name, mac, type, virtual } };
}

export const interfacesLinux: Reader = { source: '/sys/class/net', root: 'no', read: readInterfaces };
