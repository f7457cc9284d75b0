import { machine } from 'node:os';
import { readText, readValue } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { known, systemInformation } from './system-information.ts';

type Facts = ReadonlyMap<string, string>;

/** Logical processors of /proc/cpuinfo, each as its facts. */
export function parseCpuinfo(text: string): Facts[] {
  return text
    .split(/\n\s*\n/)
    .map((block) => {
      const pairs = block.split('\n').map((line) => /^([^:]+?)\s*:\s*(.*)$/.exec(line));
      return new Map(pairs.filter((pair) => pair !== null).map(([, name = '', value = '']) => [name, value]));
    })
    .filter((facts) => facts.has('processor'));
}

/** Processors of one package, by its physical id; where the kernel names none (ARM), all are one package. */
function packagesOf(processors: readonly Facts[]): Map<string, Facts[]> {
  const packages = new Map<string, Facts[]>();
  for (const processor of processors) {
    const id = processor.get('physical id') ?? '0';
    packages.set(id, [...(packages.get(id) ?? []), processor]);
  }
  return packages;
}

async function* readCpu(context: ReadContext): AsyncGenerator<KeyedRow> {
  const arch = readValue(context, '/proc/sys/kernel/arch') ?? machine();
  for (const [id, processors] of packagesOf(parseCpuinfo(readText(context, '/proc/cpuinfo') ?? ''))) {
    const [first] = processors;
    const fact = (name: string): string | null => known(first?.get(name));
    // Kernels on ARM name no model; the library knows the makers' part numbers.
    const named =
      first?.has('model name') === true ? undefined : await (await systemInformation(context))?.cpu();
    const row = {
      vendor: fact('vendor_id') ?? known(named?.vendor),
      brand: fact('model name') ?? known(named?.brand),
      family: fact('cpu family') ?? fact('CPU architecture'),
      model: first?.get('model') ?? fact('CPU part'),
      stepping: first?.get('stepping') ?? fact('CPU revision'),
      cores: Number(fact('cpu cores') ?? processors.length),
      threads: processors.length,
      arch,
    };
    yield { key: id, row };
  }
}

export const cpuLinux: Reader = {
  source: '/proc/cpuinfo; systeminformation for processors that it does not name',
  root: 'no',
  read: readCpu,
};
