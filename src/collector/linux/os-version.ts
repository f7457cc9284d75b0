import { readText } from '../files.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';

/** Assignments of os-release(5): shell syntax without expansion. */
export function parseOsRelease(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim());
    const [, name, raw] = match ?? [];
    if (name === undefined || raw === undefined) continue;
    const quoted = /^(["'])(.*)\1$/.exec(raw)?.[2];
    values.set(name, (quoted ?? raw).replace(/\\(["'\\$`])/g, '$1'));
  }
  return values;
}

function* readOsVersion(context: ReadContext): Generator<KeyedRow> {
  const text = readText(context, '/etc/os-release') ?? readText(context, '/usr/lib/os-release');
  if (text === undefined) throw new Unreadable('/etc/os-release: ENOENT');
  const values = parseOsRelease(text);
  const debian = readText(context, '/etc/debian_version')?.trim() ?? '';
  const row = {
    family: 'linux',
    name: values.get('NAME') ?? 'Linux',
    id: values.get('ID') ?? 'linux',
    idLike: values.get('ID_LIKE') ?? null,
    version: values.get('VERSION_ID') ?? null,
    release: values.get('ID') === 'debian' && debian !== '' ? debian : null,
    codename: values.get('VERSION_CODENAME') ?? null,
    build: values.get('BUILD_ID') ?? null,
    edition: values.get('VARIANT_ID') ?? null,
  };
  yield { key: 'os', row };
}

export const osVersionLinux: Reader = {
  source: '/etc/os-release, /etc/debian_version',
  root: 'no',
  read: readOsVersion,
};
