import { zstdDecompressSync } from 'node:zlib';
import { parseChange, parseHeader } from '../../../wire/delta-body.ts';
import type { Change } from '../../../wire/delta.ts';

/** The changes that an uploaded body carries. Throws for one that is none. */
export function changesOf(body: Buffer): Change[] {
  const [header = '', ...lines] = zstdDecompressSync(body).toString('utf8').trimEnd().split('\n');
  parseHeader(header);
  let previous: string | undefined;
  return lines.map((line) => {
    const change = parseChange(line, previous);
    previous = 'set' in change ? change.set.key : change.del;
    return change;
  });
}
