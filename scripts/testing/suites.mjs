/** The suites of `npm test` and what each of them needs. Built-ins only. */
import { existsSync } from 'node:fs';
import { ensurePackageLists, ensurePackages, present } from './packages.mjs';
import { failed, skipped } from './result.mjs';
import { unit } from './unit.mjs';
import { runProject, testFiles } from './vitest.mjs';
import { ensureWindowsNode } from './windows-node.mjs';
import { requireNode24 } from '../runtime.mjs';

/** Tools of the system that unit tests ask about what they made. */
const UNIT_PACKAGES = ['iproute2', 'net-tools', 'procps', 'util-linux', 'groff-base', 'zsh', 'fish'];

/** Real proxies, buses, keychains and networks. */
const INTEGRATION_PACKAGES = [
  ...UNIT_PACKAGES,
  ...['squid', 'tinyproxy-bin', 'nftables', 'openssl', 'strace', 'python3-minimal', 'tzdata'],
  // Filesystems to watch, and programs to work in them.
  ...['btrfs-progs', 'xfsprogs', 'git', 'rsync', 'vim-tiny', 'logrotate'],
  ...['dbus', 'dbus-daemon', 'gnome-keyring', 'libsecret-1-0', 'systemd'],
  ...['krb5-kdc', 'krb5-admin-server', 'krb5-user', 'libgssapi-krb5-2'],
];

/** Why packages can't be installed for a test here, or `undefined` if they can. */
function noPackaging() {
  if (process.platform !== 'linux' || !present('dpkg-deb')) {
    return 'needs dpkg. To run it: npm test -- --suite deb, as root on Debian or Ubuntu';
  }
  if (process.getuid?.() !== 0) return 'needs root. To run it: sudo npm test -- --suite deb';
  return undefined;
}

/** Where Debian puts Chromium. */
const CHROMIUM = '/usr/bin/chromium';

/** Why there can be no Chromium for a test here, or `undefined` if there is one or it can be installed. */
function noBrowser() {
  if (existsSync(CHROMIUM) || (process.getuid?.() === 0 && present('apt-get'))) return undefined;
  return `needs ${CHROMIUM}. To run it: apt-get install -y --no-install-recommends chromium, as root on Debian`;
}

/** Where Debian puts Wine. */
const WINE = '/usr/lib/wine/wine64';

/** Why no program of Windows can be run for a test here, or `undefined` if one can. */
function noWine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x64';
  if (existsSync(WINE) || (process.getuid?.() === 0 && present('apt-get'))) return undefined;
  return `needs ${WINE}. To run it: apt-get install -y --no-install-recommends wine64, as root on Debian`;
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
    // With those of its tests that run alone, after the others.
    return runProject({ node: requireNode24(), project: `${name}*`, report: name });
  };
}

/** Suites by name. Beside them goes `CHECKS`, which takes what time the others leave. */
export const SUITES = {
  unit: () => {
    ensurePackages(UNIT_PACKAGES);
    return unit();
  },
  integration: project('integration', undefined, () => ensurePackages(INTEGRATION_PACKAGES)),
  browser: project('browser', noBrowser, () => ensurePackages(['chromium'])),
  deb: project('deb', noPackaging, ensurePackageLists),
  wine: project('wine', noWine, () => {
    ensurePackages(['wine64']);
    ensureWindowsNode();
  }),
  long: project('long', undefined, () => ensurePackages(INTEGRATION_PACKAGES)),
};

export const CHECKS = 'checks';

/** Suites that are run together: `npm run verify`, `npm test`, and `npm run test:packaging` for what concerns other systems than this one. */
export const GROUPS = {
  verify: [CHECKS, 'unit'],
  everyday: [CHECKS, 'unit', 'integration', 'browser', 'deb'],
  packaging: ['wine'],
};
