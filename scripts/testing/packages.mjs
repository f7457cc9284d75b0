/** Debian packages that tests work with, installed where that can be done without asking. Built-ins only. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

const LISTS = '/var/lib/apt/lists';

export function present(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Whether packages can be installed: root on a system with apt. Nobody else calls apt. */
function canInstall() {
  return process.getuid?.() === 0 && present('apt-get');
}

/** How a list may be compressed on the disk. */
const COMPRESSED = /\.(?:gz|bz2|xz|lz4|lzma|zst)$/;

/** Names of the lists that apt would fetch for the archives of this host and does not have, compression left out. */
export function missingLists(wanted, present) {
  const plain = (path) => basename(path).replace(COMPRESSED, '');
  const here = new Set(present.map(plain));
  return wanted.map(plain).filter((name) => !here.has(name));
}

/** The package lists that the archives of this host have, by the settings of apt. */
function wantedLists() {
  const args = ['indextargets', '--format', '$(FILENAME)', 'Created-By: Packages'];
  const { stdout } = spawnSync('apt-get', args, { encoding: 'utf8' });
  return (stdout ?? '').split('\n').filter((line) => line !== '');
}

/** The archives' package lists, fetched where one of them is not there. */
export function ensurePackageLists() {
  if (!canInstall()) return;
  const wanted = wantedLists();
  if (wanted.length > 0 && missingLists(wanted, readdirSync(LISTS)).length === 0) return;
  console.log('  fetching the package lists of the archive (apt-get update) …');
  const { status } = spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  if (status !== 0) console.log('  apt-get update failed: what needs the archive is skipped');
}

/** Installs what is missing of these packages. What can't be had is not an error: its tests say what they miss. */
export function ensurePackages(names) {
  const missing = canInstall() ? names.filter((name) => !isInstalled(name)) : [];
  if (missing.length === 0) return;
  ensurePackageLists();
  console.log(`  installing ${missing.join(', ')} (apt-get install) …`);
  // One that the archive does not have must not keep the others away.
  if (install(missing) || missing.every((name) => install([name]))) return;
  console.log('  apt-get install failed: what needs these packages is skipped');
}

function isInstalled(name) {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status}', name], { encoding: 'utf8' });
  return stdout === 'installed';
}

function install(names) {
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...names];
  return (
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Services of these packages are started by tests, in folders of their own, and by nobody else.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    }).status === 0
  );
}
