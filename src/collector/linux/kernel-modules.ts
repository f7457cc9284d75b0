import { readText, readValue } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';

/** Loaded modules stay loaded until someone unloads them, so the list is stable; their use counts are not shown. */
function* readKernelModules(context: ReadContext): Generator<KeyedRow> {
  for (const line of (readText(context, '/proc/modules') ?? '').split('\n')) {
    const name = line.split(' ')[0] ?? '';
    if (!/^\w+$/.test(name)) continue;
    const folder = `/sys/module/${name}`;
    const row = {
      name,
      version: readValue(context, `${folder}/version`),
      sourceVersion: readValue(context, `${folder}/srcversion`),
      outOfTree: readValue(context, `${folder}/taint`)?.includes('O') ?? false,
    };
    yield { key: name, row };
  }
}

export const kernelModulesLinux: Reader = {
  source: '/proc/modules and /sys/module',
  root: 'no',
  read: readKernelModules,
};
