import { execFileSync } from 'node:child_process';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { changeLine } from '../src/wire/delta-body.ts';
import { makeItem } from '../src/wire/item.ts';

/*
 * How small, and for how much CPU, a first snapshot gets: 2,000 rows of this host, packages first, then files.
 * Run: node bench/encoding.ts (Debian). The level in src/main/queue/body-encoder.ts comes from this table.
 */

const ROWS = 2_000;
const REPEATS = 5;

function linesOf(program: string, ...args: string[]): string[][] {
  const output = execFileSync(program, args, { maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

function body(): Buffer {
  const fields = [
    'Package',
    'Version',
    'Architecture',
    'Maintainer',
    'Section',
    'source:Package',
    'source:Version',
  ];
  const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
  const packages = linesOf('dpkg-query', '-W', '-f', format).map((values) => {
    const row = Object.fromEntries(fields.map((field, n) => [field.toLowerCase(), values[n] ?? '']));
    return makeItem('deb', `${values[0] ?? ''}:${values[2] ?? ''}`, row);
  });
  const files = linesOf(
    'find',
    '/etc',
    '/usr/bin',
    '/usr/lib/systemd',
    '-printf',
    '%p\t%u\t%g\t%m\t%s\n',
  ).map(([path = '', user = '', group = '', mode = '', size = '']) =>
    makeItem('file', path, { path, user, group, mode, size: Number(size) }),
  );
  const items = [...packages, ...files].slice(0, ROWS);
  return Buffer.from(items.map((set) => changeLine({ set })).join(''));
}

function measure(raw: Buffer, encode: () => Buffer): { bytes: number; ratio: string; cpuMs: string } {
  let encoded = encode();
  const before = process.cpuUsage();
  for (let n = 0; n < REPEATS; n += 1) encoded = encode();
  const { user, system } = process.cpuUsage(before);
  return {
    bytes: encoded.length,
    ratio: (raw.length / encoded.length).toFixed(2),
    cpuMs: ((user + system) / 1_000 / REPEATS).toFixed(1),
  };
}

const raw = body();
const table: Record<string, ReturnType<typeof measure>> = {};
for (const level of [1, 6, 9]) table[`gzip ${level}`] = measure(raw, () => gzipSync(raw, { level }));
for (const level of [1, 3, 6, 9, 12, 15, 19]) {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: 20 };
  table[`zstd ${level}`] = measure(raw, () => zstdCompressSync(raw, { params }));
}
console.log(`${ROWS} rows of this host, ${raw.length} bytes`);
console.table(table);
