import { execFileSync, fork, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/bundles.ts';
import { FRUGAL_ARGV, FRUGAL_ENVIRONMENT } from '../src/main/host/frugal-runtime.ts';
import { ledgerWalk, measured, type Measured } from './support/ledger-walk.ts';

/*
 * What a baseline costs: the ledger's first walk of a tree and its second, beside `aide --init` and `aide --check` and beside
 * a plain walk that reads and hashes every file (SHA-256). CPU seconds are those of a process for each; the machine may be
 * busy. Run: npm run bench -- fim-baseline   (Linux, aide). WAYFARER_BENCH_TREE names another tree than /usr.
 */

const TREE = process.env['WAYFARER_BENCH_TREE'] ?? '/usr';
const SELF = fileURLToPath(import.meta.url);

const MB = 1024 * 1024;

/** The cheapest that one could do: stat, read and hash, one file after the other, keeping nothing. */
function plainWalk(directory: string, block: Buffer): number {
  let count = 0;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const stat = lstatSync(path);
    count += 1;
    if (stat.isDirectory()) count += plainWalk(path, block);
    if (!stat.isFile()) continue;
    const fd = openSync(path, 'r');
    const hash = createHash('sha256');
    for (let length = readSync(fd, block); length > 0; length = readSync(fd, block)) {
      hash.update(block.subarray(0, length));
    }
    hash.digest('hex');
    closeSync(fd);
  }
  return count;
}

const WORKS: Readonly<Record<string, (file: string) => Promise<number> | number>> = {
  plain: () => plainWalk(TREE, Buffer.allocUnsafeSlow(256 * 1024)),
  ledger: (file) => ledgerWalk(file, TREE),
};

/** Has a process of its own do it; the ledger's runs as the agent starts the sensor. */
function inProcess(work: string, file: string): Promise<Measured> {
  const asSensor = { execArgv: [...FRUGAL_ARGV], env: { ...process.env, ...FRUGAL_ENVIRONMENT } };
  return new Promise((resolve, reject) => {
    const child = fork(SELF, [work, file], work === 'ledger' ? asSensor : {});
    child.on('message', (message) => {
      resolve(message as Measured);
    });
    child.on('exit', (code) => {
      reject(new Error(`${work} ended with ${String(code)}`));
    });
  });
}

const AIDE_CONFIG = (directory: string): string => `
database_in=file:${directory}/aide.db
database_out=file:${directory}/aide.db.new
gzip_dbout=no
report_url=file:${directory}/report
R=p+i+n+u+g+s+m+c+acl+xattrs+sha256
${TREE} R
`;

/** CPU and memory of a program, as wait4(2) gives them; Node does not. */
function aide(directory: string, option: string): Measured {
  const begun = performance.now();
  const script = `import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, code)`;
  const args = ['-c', script, 'aide', `--config=${directory}/aide.conf`, option];
  const [cpu = 0, rss = 0, code = 0] = execFileSync('python3', args, { encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number);
  // Below that AIDE tells what differs (aide(1)); what failed is no peer.
  if (code >= 14) throw new Error(`aide ${option} ended with ${String(code)}`);
  const peakMb = rss / 1024;
  return {
    cpuSeconds: cpu,
    wallSeconds: (performance.now() - begun) / 1000,
    grownMb: peakMb,
    peakMb,
    entries: NaN,
  };
}

function row({
  cpuSeconds,
  wallSeconds,
  grownMb,
  peakMb,
  entries,
}: Measured): Record<string, string | number> {
  return {
    'CPU s': cpuSeconds.toFixed(2),
    'wall s': wallSeconds.toFixed(2),
    'RSS grown MB': grownMb.toFixed(0),
    'RSS peak MB': peakMb.toFixed(0),
    entries: Number.isNaN(entries) ? '' : entries,
  };
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wayfarer-baseline-'));
  try {
    const table: Record<string, Record<string, string | number>> = {};
    const file = join(directory, 'ledger.db');
    await bundle('ledger', directory);
    // Everything reads the same files: the first of all would pay for the disk.
    const plain = await inProcess('plain', file).then(() => inProcess('plain', file));
    table['plain walk + SHA-256'] = row(plain);
    const first = await inProcess('ledger', file);
    table['ledger, first walk'] = row(first);
    const second = await inProcess('ledger', file);
    table['ledger, second walk'] = row(second);
    console.log(`${TREE}, ledger of ${(lstatSync(file).size / MB).toFixed(1)} MB, no limit of CPU`);
    const ratios: Record<string, string> = {
      'first walk / plain walk (goal 1.2)': (first.cpuSeconds / plain.cpuSeconds).toFixed(2),
    };
    if (spawnSync('aide', ['--version']).error !== undefined) {
      ratios['beside aide'] = 'not installed';
    } else if (process.argv[2] !== '--no-aide') {
      writeFileSync(join(directory, 'aide.conf'), AIDE_CONFIG(directory));
      const init = aide(directory, '--init');
      table['aide --init'] = row(init);
      if (existsSync(join(directory, 'aide.db.new'))) {
        writeFileSync(join(directory, 'aide.db'), readFileSync(join(directory, 'aide.db.new')));
      }
      const check = aide(directory, '--check');
      table['aide --check'] = row(check);
      ratios['first walk / aide --init (goal 0.2)'] = (first.cpuSeconds / init.cpuSeconds).toFixed(3);
      ratios['second walk / aide --check (goal 0.05)'] = (second.cpuSeconds / check.cpuSeconds).toFixed(3);
    }
    console.table(table);
    console.table(ratios);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const work = WORKS[process.argv[2] ?? ''];
if (work === undefined) await main();
else {
  const cost = await measured(() => work(process.argv[3] ?? ''));
  process.send?.(cost, () => {
    process.exit(0);
  });
}
