import { lstatHost, readText } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import type { SysctlParams } from '../tables/params.ts';

/** Path of a parameter: dots part the segments, a slash stands for a dot inside one (sysctl(8)). */
export function sysctlPath(name: string): string {
  const swapped = name.replace(/[./]/g, (char) => (char === '.' ? '/' : '.'));
  return `/proc/sys/${swapped}`;
}

function* readSysctl(context: ReadContext, { name }: SysctlParams): Generator<KeyedRow> {
  const path = sysctlPath(name);
  const exists = lstatHost(context, path)?.isFile() === true;
  const value = exists ? (readText(context, path) ?? '').trim().replace(/\s+/g, ' ') : null;
  yield { key: name, row: { name, exists, value } };
}

export const sysctlLinux: Reader<SysctlParams> = { source: '/proc/sys', root: 'partly', read: readSysctl };
