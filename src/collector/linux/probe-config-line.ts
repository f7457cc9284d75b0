import { forbidSecrets } from '../content-policy.ts';
import { lstatHost } from '../files.ts';
import { joinKey } from '../key.ts';
import { readLineBlocks } from '../lines.ts';
import { matchingLines } from '../pattern.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import type { ConfigLineParams } from '../tables/params.ts';
import { redact } from './redact.ts';

/** Bounds: bytes of the file, lines reported, length of a reported line in UTF-16 units. */
const MAX_FILE = 16 * 1024 * 1024;
const MAX_LINES = 1_000;
const MAX_LINE = 4_096;

async function* readConfigLine(context: ReadContext, params: ConfigLineParams): AsyncGenerator<KeyedRow> {
  const { path, match } = params;
  const forbidden = forbidSecrets(path);
  if (forbidden !== undefined) throw new Unreadable(`${path}: ${forbidden}`);
  if (lstatHost(context, path) === undefined) return;
  const times = new Map<string, number>();
  let count = 0;
  for await (const found of matchingLines(
    context,
    match,
    readLineBlocks(context, path, { maxBytes: MAX_FILE, forbid: forbidSecrets }),
  )) {
    const line = redact(found.slice(0, MAX_LINE).trim());
    const number = (times.get(line) ?? 0) + 1;
    times.set(line, number);
    count += 1;
    if (count > MAX_LINES) throw new Unreadable(`${path}: more than ${MAX_LINES} lines match`);
    yield { key: joinKey(path, match, line, number), row: { path, pattern: match, line } };
  }
}

export const configLineLinux: Reader<ConfigLineParams> = {
  source: 'the file; what its links lead to is read, shadow files and keys are refused',
  root: 'partly',
  read: readConfigLine,
};
