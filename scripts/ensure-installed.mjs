/**
 * Installs the dependencies when they are missing or older than package-lock.json. Built-ins only, Node ≥ 20.
 * Standard output stays untouched (commands with `--json` use it); everything is said on stderr.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findNode24, plainEnvironment, ROOT } from './runtime.mjs';

const STAMP = join(ROOT, 'node_modules', '.wayfarer-lock');
const INSTALLED = join(ROOT, 'node_modules', '.package-lock.json');
const TICK_MS = 5_000;

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
}

/** Every package of the lock that this host needs is there in the locked version: npm's own record says so. */
function recordMatchesLock() {
  if (!existsSync(INSTALLED)) return false;
  const installed = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages ?? {};
  const locked = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages ?? {};
  return Object.entries(locked).every(
    ([path, wanted]) =>
      path === '' ||
      (installed[path] === undefined ? wanted.optional === true : installed[path].version === wanted.version),
  );
}

/** Why an installation is due, or `undefined` if everything is there. */
export function installReason() {
  if (!existsSync(join(ROOT, 'node_modules'))) return 'dependencies are not installed yet';
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockDigest()) return undefined;
  return recordMatchesLock() ? undefined : 'package-lock.json changed since the last installation';
}

/** npm's output line by line; the engine warnings are counted, everything else is shown as it is. */
function showOutput(stream) {
  const seen = { engines: 0 };
  let skipping = false;
  createInterface({ input: stream }).on('line', (line) => {
    const warning = line.startsWith('npm warn EBADENGINE') || line.startsWith('npm WARN EBADENGINE');
    if (warning && /Unsupported engine/.test(line)) seen.engines += 1;
    skipping = warning;
    if (!skipping) process.stderr.write(`  ${line}\n`);
  });
  return seen;
}

function npmCi() {
  const windows = process.platform === 'win32';
  const started = Date.now();
  const child = spawn(windows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: ROOT,
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: windows, // .cmd files start only through one; the arguments are constants
  });
  const out = showOutput(child.stdout);
  const err = showOutput(child.stderr);
  const ticker = setInterval(() => {
    process.stderr.write(`  … npm ci, ${Math.round((Date.now() - started) / 1000)} s\n`);
  }, TICK_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, engines: out.engines + err.engines }));
  }).finally(() => clearInterval(ticker));
}

function explainEngines(count) {
  if (count === 0) return;
  process.stderr.write(
    `  npm warned of ${count} packages that want a newer Node than ${process.version} (EBADENGINE). That is expected:\n` +
      `  Wayfarer does not run on it but on Node 24, which has just been installed into node_modules.\n`,
  );
}

/** Installs if needed. Ends the process with exit code 1 and a reason when that fails. */
export async function ensureInstalled() {
  const reason = installReason();
  if (reason === undefined) return;
  process.stderr.write(`Setting up: ${reason}. Running npm ci (once, about a minute).\n`);
  rmSync(STAMP, { force: true });
  const { code, engines } = await npmCi();
  if (code !== 0) {
    process.stderr.write(`npm ci failed with exit code ${code}; its messages stand above.\n`);
    process.exit(1);
  }
  explainEngines(engines);
  if (findNode24() === undefined) {
    process.stderr.write(
      `npm has no packaged Node 24 for ${process.platform}-${process.arch}. Install Node ≥ 24 and run this again with it.\n`,
    );
    process.exit(1);
  }
  writeFileSync(STAMP, lockDigest());
  process.stderr.write('Set up.\n');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await ensureInstalled();
}
