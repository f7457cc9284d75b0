import { readLineBlocks } from '../lines.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';

const DATABASE = '/lib/apk/db/installed';

/** The row of a package's one-letter fields (Alpine wiki, "Apk spec"): P name, V version, A architecture, o origin, m maintainer. */
export function apkRow(fields: ReadonlyMap<string, string>): KeyedRow | undefined {
  const name = fields.get('P');
  const version = fields.get('V');
  if (name === undefined || version === undefined) return undefined;
  const row = {
    name,
    version,
    arch: fields.get('A') ?? null,
    source: fields.get('o') ?? name,
    maintainer: fields.get('m') ?? null,
  };
  return { key: name, row };
}

async function* readApk(context: ReadContext): AsyncGenerator<KeyedRow> {
  let fields = new Map<string, string>();
  for await (const lines of readLineBlocks(context, DATABASE)) {
    for (const line of lines) {
      // Letters repeat in the file list of a package (F, R, a …); of those wanted the first counts.
      if (/^[PVAom]:/.test(line) && !fields.has(line.charAt(0))) fields.set(line.charAt(0), line.slice(2));
      if (line !== '') continue;
      const row = apkRow(fields);
      fields = new Map();
      if (row !== undefined) yield row;
    }
  }
  const last = apkRow(fields);
  if (last !== undefined) yield last;
}

export const apkLinux: Reader = { source: DATABASE, root: 'no', read: readApk };
