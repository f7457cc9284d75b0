import type { Systeminformation } from 'systeminformation';
import { readText } from '../files.ts';
import { joinKey, numbering } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { known, systemInformation } from './system-information.ts';

/** Rows of memory modules; entries without a slot are the library's stand-in for tables it could not read. */
export function moduleRows(modules: readonly Systeminformation.MemLayoutData[]): KeyedRow[] {
  const keyOf = numbering();
  return modules
    .filter((module) => known(module.bank) !== null && module.size > 0)
    .map((module) => ({
      key: keyOf(joinKey(module.bank, known(module.partNum), known(module.serialNum))),
      row: {
        capacityBytes: module.size,
        type: known(module.type),
        manufacturer: known(module.manufacturer),
        partNumber: known(module.partNum),
        serial: known(module.serialNum),
      },
    }));
}

async function* readMemory(context: ReadContext): AsyncGenerator<KeyedRow> {
  const total = /^MemTotal:\s+(\d+) kB$/m.exec(readText(context, '/proc/meminfo') ?? '')?.[1];
  const absent = { type: null, manufacturer: null, partNumber: null, serial: null };
  if (total !== undefined) yield { key: 'total', row: { capacityBytes: Number(total) * 1024, ...absent } };
  const library = await systemInformation(context);
  if (library !== undefined) yield* moduleRows(await library.memLayout());
}

export const memoryLinux: Reader = {
  source: '/proc/meminfo; modules from the DMI tables through systeminformation',
  root: 'partly',
  read: readMemory,
};
