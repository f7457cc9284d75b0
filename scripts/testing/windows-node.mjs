/**
 * Node for Windows and the native parts of packages for it, as tests run them under Wine: fetched from npm by the lock
 * file of `test/wine/windows`. Built-ins only.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnvironment, ROOT } from '../runtime.mjs';

const WANTED = join(ROOT, 'test', 'wine', 'windows');
/** Where it is kept; `test/wine/support/wine.ts` knows it as well. */
const FOLDER = join(ROOT, 'node_modules', '.cache', 'wine');
const STAMP = join(FOLDER, '.installed');

const lockDigest = () =>
  createHash('sha256')
    .update(readFileSync(join(WANTED, 'package-lock.json')))
    .digest('hex');

/** Fetches what is missing, about 35 MB. What can't be had is not an error: its tests say what they miss. */
export function ensureWindowsNode() {
  const digest = lockDigest();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return;
  console.log('  fetching Node for Windows (npm ci, 35 MB) …');
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(join(WANTED, name), join(FOLDER, name));
  const { status } = spawnSync(
    'npm',
    // npm refuses packages of other systems unless it is told twice.
    [
      'ci',
      '--os=win32',
      '--cpu=x64',
      '--force',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    { cwd: FOLDER, env: plainEnvironment(), stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status === 0) writeFileSync(STAMP, digest);
  else console.log('  npm ci failed: what needs Node for Windows is skipped');
}
