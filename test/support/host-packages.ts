import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const NAMES = ['wayfarer-churn-a', 'wayfarer-churn-b', 'wayfarer-churn-c'] as const;
const VERSIONS = ['1.0-1', '1.1-1'] as const;

/** How often a dpkg that finds its database locked by another one is tried, and the pause between, ms. */
const TRIES = 50;
const PAUSE_MS = 200;

/** Small packages of our own that come and go through the host's real dpkg. Needs root. */
export class HostPackages {
  readonly #scratch = mkdtempSync(join(tmpdir(), 'wf-churn-'));

  /** Builds every version of every package. */
  build(): void {
    for (const name of NAMES) for (const version of VERSIONS) this.#buildOne(name, version);
  }

  /** Whether packages can be changed here. */
  static possible(): boolean {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
    try {
      execFileSync('dpkg-deb', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  /** Installs one of the packages in one of its versions, or purges it. `pick` chooses in [0, below). */
  async change(pick: (below: number) => number): Promise<void> {
    const name = NAMES[pick(NAMES.length)] ?? NAMES[0];
    const version = VERSIONS[pick(VERSIONS.length + 1)];
    if (version === undefined) await dpkg('--purge', name);
    else await dpkg('--install', this.#file(name, version));
  }

  /** Purges all of them and removes what was built. */
  async dispose(): Promise<void> {
    await dpkg('--purge', ...NAMES);
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #file(name: string, version: string): string {
    return join(this.#scratch, `${name}_${version}.deb`);
  }

  #buildOne(name: string, version: string): void {
    const tree = join(this.#scratch, name, version);
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      'Architecture: all',
      'Maintainer: Nobody <nobody@example.com>',
      'Description: comes and goes in a test',
      '',
    ];
    writeFileSync(join(tree, 'DEBIAN/control'), control.join('\n'));
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', tree, this.#file(name, version)], {
      stdio: 'ignore',
    });
  }
}

/** `name version architecture status` of every package, as dpkg itself lists them, sorted. */
export function listedByDpkg(): string[] {
  const format = '${Package} ${Version} ${Architecture} ${db:Status-Status}\n';
  return execFileSync('dpkg-query', ['-W', '-f', format], { maxBuffer: 64 * 1024 * 1024 })
    .toString()
    .trimEnd()
    .split('\n')
    .sort();
}

async function dpkg(...args: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await run('dpkg', ['--force-unsafe-io', ...args]);
      return;
    } catch (error) {
      if (tries === TRIES || !isLocked(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

const isLocked = (error: unknown): boolean => error instanceof Error && error.message.includes('lock');
