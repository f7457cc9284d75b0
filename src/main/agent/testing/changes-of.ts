import { zstdDecompressSync } from 'node:zlib';
import { parseChange, parseHeader } from '../../../wire/delta-body.ts';
import type { Change } from '../../../wire/delta.ts';

/** The changes of the body of a snapshot or delta, as it was sent. Throws what is wrong with it. */
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
