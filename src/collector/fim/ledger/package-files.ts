import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, readSync } from 'node:fs';
import { listNames, lstatHost, readText } from '../../files.ts';
import { openRegular, type Place } from '../../open-file.ts';
import type { Row } from './row.ts';

/** Where dpkg keeps the files of each package (dpkg(1)), and where rpm has its database (rpmdb(8), sqlite and bdb). */
const DPKG = '/var/lib/dpkg/info';
const RPM = [
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite-wal',
  '/var/lib/rpm/rpmdb.sqlite',
  '/var/lib/rpm/rpmdb.sqlite-wal',
  '/var/lib/rpm/Packages.db',
  '/var/lib/rpm/Packages',
];
const RPM_PROGRAM = '/usr/bin/rpm';

/** Files that are kept in memory; of more that were installed meanwhile, the others have no label. */
const MOST_FILES = 100_000;
const MOST_PACKAGES = 5_000;
/** Bounds of one list of files, of what rpm prints, and of a file that is read again for its MD5. */
const LIST_BYTES = 16 * 1024 * 1024;
const OUTPUT_BYTES = 64 * 1024 * 1024;
const FILE_BYTES = 64 * 1024 * 1024;
const RPM_MS = 20_000;
/** How long a look at whether something was installed counts, ms. */
const LOOK_MS = 5_000;
const BLOCK = 256 * 1024;

export type Installer = 'dpkg' | 'rpm';

/** What a package manager says of a file: the digest of its content, MD5 or SHA-256 in hex. */
interface Installed {
  readonly by: Installer;
  readonly digest: string;
}

/** Runs a program without a shell and gives what it printed; `undefined` where it is not there or failed. */
export type RunProgram = (file: string, args: readonly string[]) => string | undefined;

const run: RunProgram = (file, args) => {
  const options = {
    encoding: 'utf8',
    timeout: RPM_MS,
    maxBuffer: OUTPUT_BYTES,
    env: { LC_ALL: 'C' },
  } as const;
  const { status, stdout } = spawnSync(file, args, {
    ...options,
    shell: false,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout : undefined;
};

export interface PackageFilesOptions {
  readonly place: Place;
  /** Any clock, ms. */
  readonly now: () => number;
  readonly run?: RunProgram;
}

/**
 * Which package manager put a file where it is, for changes that nobody was seen making: its database has the file in a package
 * that was installed meanwhile, with this very content. So a file that somebody else changed has no label, whatever its
 * package. Linux; elsewhere there is none.
 */
export class PackageFiles {
  readonly #options: PackageFilesOptions;
  #files: ReadonlyMap<string, Installed> = new Map();
  #key = '';
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PackageFilesOptions) {
    this.#options = options;
  }

  /** Of a host path with this row, installed after `since` (ms since the epoch). Never throws. */
  installerOf(path: string, row: Row, since: number): Installer | undefined {
    if (this.#options.place.os !== 'linux') return undefined;
    if (row.type !== 'file' || row.sha256 === null || row.size > FILE_BYTES) return undefined;
    try {
      this.#refresh(since);
      const installed = this.#files.get(path);
      if (installed === undefined) return undefined;
      return this.#holds(path, Buffer.from(row.sha256).toString('hex'), installed.digest)
        ? installed.by
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** Gives the memory back. */
  forget(): void {
    this.#files = new Map();
    this.#key = '';
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  #refresh(since: number): void {
    const { place, now, run: runProgram = run } = this.#options;
    if (now() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now();
    const [dpkg, rpm] = [changedAt(place, DPKG), Math.max(...RPM.map((path) => changedAt(place, path)))];
    const key = [since, dpkg, rpm].join();
    if (key === this.#key) return;
    const files = new Map<string, Installed>();
    if (dpkg >= since) dpkgFiles(place, since, files);
    if (rpm >= since) rpmFiles(runProgram, since, files);
    this.#files = files;
    this.#key = key;
  }

  #holds(path: string, sha256: string, digest: string): boolean {
    if (digest.length === sha256.length) return digest === sha256;
    const found = digestsOf(this.#options.place, path);
    return found?.sha256 === sha256 && found.md5 === digest;
  }
}

/** Time of the last change of a file or directory, ms since the epoch; -∞ where it is not there. */
function changedAt(place: Place, path: string): number {
  return lstatHost(place, path)?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

/** Adds what packages hold whose list of files dpkg wrote after `since`. */
function dpkgFiles(place: Place, since: number, into: Map<string, Installed>): void {
  const fresh = listNames(place, DPKG)
    .filter((name) => name.endsWith('.list') && changedAt(place, `${DPKG}/${name}`) >= since)
    .slice(0, MOST_PACKAGES);
  for (const name of fresh) {
    const sums = readText(place, `${DPKG}/${name.slice(0, -'.list'.length)}.md5sums`, {
      maxBytes: LIST_BYTES,
    });
    for (const line of (sums ?? '').split('\n')) {
      const [, digest, path] = /^([0-9a-f]{32}) {2}(.+)$/.exec(line) ?? [];
      if (digest === undefined || path === undefined) continue;
      add(into, `/${path}`, { by: 'dpkg', digest });
      // Packages from before the merge of /bin and /usr/bin name the old place.
      if (/^(?:s?bin|lib\w*)\//.test(path)) add(into, `/usr/${path}`, { by: 'dpkg', digest });
    }
  }
}

/** Adds what packages hold that rpm says it installed after `since`. */
function rpmFiles(runProgram: RunProgram, since: number, into: Map<string, Installed>): void {
  const all = runProgram(RPM_PROGRAM, ['-qa', '--queryformat', '%{INSTALLTIME} %{NVRA}\\n']) ?? '';
  const fresh = all
    .split('\n')
    .map((line) => /^(\d+) ([A-Za-z0-9]\S*)$/.exec(line))
    .filter((found) => found !== null && Number(found[1]) * 1000 >= since - 1000)
    .map((found) => found?.[2] ?? '')
    .slice(0, MOST_PACKAGES);
  if (fresh.length === 0) return;
  const format = '[%{FILENAMES}\\t%{FILEDIGESTS}\\n]';
  const files = runProgram(RPM_PROGRAM, ['-q', '--queryformat', format, '--', ...fresh]) ?? '';
  for (const line of files.split('\n')) {
    const [, path, digest] = /^(\/.*)\t([0-9a-f]{32}|[0-9a-f]{64})$/.exec(line) ?? [];
    if (path !== undefined && digest !== undefined) add(into, path, { by: 'rpm', digest });
  }
}

function add(into: Map<string, Installed>, path: string, installed: Installed): void {
  if (into.size < MOST_FILES) into.set(path, installed);
}

/** Both from one reading, so that they are of the same content. */
function digestsOf(
  place: Place,
  path: string,
): { readonly md5: string; readonly sha256: string } | undefined {
  const opened = openRegular(place, path, { links: 'none', secondNames: true, maxBytes: FILE_BYTES });
  if (opened === undefined) return undefined;
  try {
    const [md5, sha256] = [createHash('md5'), createHash('sha256')];
    const block = Buffer.allocUnsafe(BLOCK);
    let left = FILE_BYTES;
    for (let length = 1; length > 0 && left > 0; left -= length) {
      length = readSync(opened.fd, block, 0, BLOCK, null);
      for (const digest of [md5, sha256]) digest.update(block.subarray(0, length));
    }
    return { md5: md5.digest('hex'), sha256: sha256.digest('hex') };
  } finally {
    closeSync(opened.fd);
  }
}
