/** The suites of `npm test` and what each of them needs. Built-ins only. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { failed, skipped } from './result.mjs';
import { verify } from './verify.mjs';
import { runProject, testFiles } from './vitest.mjs';
import { requireNode24 } from '../runtime.mjs';

function present(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Why packages can't be installed for a test here, or `undefined` if they can. */
function noPackaging() {
  if (process.platform !== 'linux' || !present('dpkg-deb')) {
    return 'needs dpkg. To run it: npm test -- --suite deb, as root on Debian or Ubuntu';
  }
  if (process.getuid?.() !== 0) return 'needs root. To run it: sudo npm test -- --suite deb';
  return undefined;
}

/** The archive's package lists, which the deb suite downloads from: fetched where there are none yet. Root only. */
function ensurePackageLists() {
  const lists = '/var/lib/apt/lists';
  if (!present('apt-get') || readdirSync(lists).some((name) => name.includes('_Packages'))) return;
  console.log('  fetching the package lists of the archive (apt-get update) …');
  const { status } = spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  if (status !== 0) console.log('  apt-get update failed: what needs the archive is skipped');
}

/** Where Debian puts Chromium. */
const CHROMIUM = '/usr/bin/chromium';

/** Why there can be no Chromium for a test here, or `undefined` if there is one or it can be installed. */
function noBrowser() {
  if (existsSync(CHROMIUM) || (process.getuid?.() === 0 && present('apt-get'))) return undefined;
  return `needs ${CHROMIUM}. To run it: apt-get install -y --no-install-recommends chromium, as root on Debian`;
}

/** Installs Chromium where there is none; browsers are never downloaded in another way. */
function ensureBrowser() {
  if (existsSync(CHROMIUM)) return;
  ensurePackageLists();
  console.log('  installing chromium (apt-get install) …');
  const { status } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) console.log('  apt-get install failed: what needs Chromium is skipped');
}

/**
 * A suite made of one vitest project in `test/<name>`. `unable` says why it can't run here, `prepare` fetches what it
 * needs.
 */
function project(name, unable = () => undefined, prepare = () => undefined) {
  return async () => {
    const files = testFiles(`test/${name}`);
    if (files.length === 0) return failed(`${name}: no test files in test/${name}`);
    const reason = unable();
    if (reason !== undefined) return skipped(files.length, `${name}: ${files.length} test files: ${reason}`);
    prepare();
    return runProject({ node: requireNode24(), project: name, report: name });
  };
}

export const SUITES = {
  verify,
  integration: project('integration'),
  browser: project('browser', noBrowser, ensureBrowser),
  deb: project('deb', noPackaging, ensurePackageLists),
  long: project('long'),
};

/** What `npm test` runs. */
export const EVERYDAY = ['verify', 'integration', 'browser', 'deb'];
