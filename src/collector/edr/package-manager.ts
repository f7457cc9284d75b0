import type { Program } from './program.ts';

/** Who may write what the system runs. */
const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;

/** Folders that only an administrator writes to; `/bin` and `/sbin` are links to these on most systems. */
const SYSTEM_FOLDER = /^(?:\/usr)?\/(?:s?bin|lib(?:exec|64)?|lib\/[\w-]+)(?:\/[\w.-]+)?\/[^/]+$/;

/** Programs that install packages, and the package manager that each is a part of. */
const PROGRAMS: Readonly<Record<string, string>> = {
  dpkg: 'dpkg',
  'dpkg-deb': 'dpkg',
  'dpkg-divert': 'dpkg',
  'dpkg-statoverride': 'dpkg',
  'dpkg-trigger': 'dpkg',
  apt: 'apt',
  'apt-get': 'apt',
  aptitude: 'apt',
  rpm: 'rpm',
  dnf5: 'dnf',
  microdnf: 'dnf',
  zypper: 'zypper',
  pacman: 'pacman',
  apk: 'apk',
  packagekitd: 'packagekit',
  snapd: 'snap',
  flatpak: 'flatpak',
  'flatpak-system-helper': 'flatpak',
};

/** Those that are Python programs: known by the script that Python runs, which only root's own processes are believed. */
const SCRIPTS: Readonly<Record<string, string>> = {
  '/usr/bin/dnf': 'dnf',
  '/usr/bin/dnf-3': 'dnf',
  '/usr/bin/yum': 'dnf',
  '/usr/bin/dnf-automatic': 'dnf',
  '/usr/bin/unattended-upgrade': 'apt',
  '/usr/bin/unattended-upgrades': 'apt',
};
const PYTHON = /^python3?(?:\.\d+)?$/;

/**
 * The package manager that a program is. Only a file that root owns, that nobody else may write, in a folder of the system
 * counts: a person's own `./dpkg`, also one mounted over the real one in a namespace of theirs, is none.
 */
export function packageManagerOf(program: Program, uid: number | undefined): string | undefined {
  const { path, file, isPlaced } = program;
  if (!SYSTEM_FOLDER.test(path) || !isPlaced || file === undefined) return undefined;
  if (file.uid !== ROOT || (file.mode & WRITABLE_BY_OTHERS) !== 0) return undefined;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (Object.hasOwn(PROGRAMS, name)) return PROGRAMS[name];
  const script = PYTHON.test(name) && uid === ROOT ? (program.script ?? '') : '';
  return Object.hasOwn(SCRIPTS, script) ? SCRIPTS[script] : undefined;
}
