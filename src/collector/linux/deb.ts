import type { Row } from '../../shared/rows.ts';
import { isDirectory, listNames } from '../files.ts';
import { readLineBlocks } from '../lines.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { stanzasOf, type Stanza } from './stanzas.ts';

const FOLDER = '/var/lib/dpkg';
const WANTED = new Set([
  'package',
  'status',
  'version',
  'config-version',
  'architecture',
  'source',
  'section',
  'maintainer',
  'installed-size',
]);

/** `name` or `name (version)`, as the field Source has it (deb-control(5)). */
const SOURCE = /^(\S+)(?:\s+\((.*)\))?$/;

/** The row of a stanza; `undefined` for what dpkg-query -W leaves out: packages not installed in any way. */
export function debRow(stanza: Stanza): KeyedRow | undefined {
  const name = stanza.get('package');
  if (name === undefined || name === '') return undefined;
  // Images without dpkg (status.d) write no Status: what is there is installed.
  const [want = 'install', , status = 'installed'] = (stanza.get('status') ?? '')
    .split(/\s+/)
    .filter(Boolean);
  if (status === 'not-installed') return undefined;
  const version = stanza.get('version') ?? '';
  const arch = stanza.get('architecture') ?? '';
  const source = SOURCE.exec(stanza.get('source') ?? '');
  const size = Number(stanza.get('installed-size') ?? NaN);
  const row: Row = {
    name,
    version,
    arch,
    source: source?.[1] ?? name,
    sourceVersion: source?.[2] ?? version,
    status,
    want,
    section: stanza.get('section') ?? null,
    maintainer: stanza.get('maintainer') ?? null,
    installedSizeKib: Number.isSafeInteger(size) ? size : null,
  };
  return { key: `${name}:${arch}`, row };
}

const keyOf = (stanza: Stanza): string =>
  `${stanza.get('package') ?? ''}:${stanza.get('architecture') ?? ''}`;

/** Stanzas that a running or interrupted dpkg has journalled (dpkg reads them over the status file), last one wins. */
async function journal(context: ReadContext): Promise<Map<string, Stanza>> {
  const found = new Map<string, Stanza>();
  const folder = `${FOLDER}/updates`;
  if (!isDirectory(context, folder)) return found;
  for (const name of listNames(context, folder).filter((file) => /^\d+$/.test(file))) {
    for await (const stanzas of stanzasOf(readLineBlocks(context, `${folder}/${name}`), WANTED)) {
      for (const stanza of stanzas) found.set(keyOf(stanza), stanza);
    }
  }
  return found;
}

async function* readDeb(context: ReadContext): AsyncGenerator<KeyedRow> {
  const newer = await journal(context);
  for await (const stanzas of stanzasOf(readLineBlocks(context, `${FOLDER}/status`), WANTED)) {
    for (const stanza of stanzas) {
      const key = keyOf(stanza);
      const row = debRow(newer.get(key) ?? stanza);
      newer.delete(key);
      if (row !== undefined) yield row;
    }
  }
  for (const stanza of newer.values()) {
    const row = debRow(stanza);
    if (row !== undefined) yield row;
  }
  yield* readFolder(context);
}

/** Images without dpkg keep one stanza per file in status.d. */
async function* readFolder(context: ReadContext): AsyncGenerator<KeyedRow> {
  const folder = `${FOLDER}/status.d`;
  if (!isDirectory(context, folder)) return;
  for (const name of listNames(context, folder).filter((file) => !file.endsWith('.md5sums'))) {
    for await (const stanzas of stanzasOf(readLineBlocks(context, `${folder}/${name}`), WANTED)) {
      for (const stanza of stanzas) {
        const row = debRow(stanza);
        if (row !== undefined) yield row;
      }
    }
  }
}

export const debLinux: Reader = {
  source: '/var/lib/dpkg/status with its journal, and status.d',
  root: 'no',
  read: readDeb,
};
