import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noDpkg, noLinuxRoot, unless, type Reason } from '../support/reason.ts';
import { actorsOf, WatchedTree } from '../support/watched-tree.ts';

const isInstalled = (name: string): boolean => existsSync(`/var/lib/dpkg/info/${name}.list`);

/** Packages of the archive with many files and no dependencies, of which a host need not have one. */
const CANDIDATES = ['debian-faq', 'debian-policy', 'developers-reference', 'maint-guide'];
const PACKAGE = CANDIDATES.find((name) => !isInstalled(name)) ?? 'debian-faq';
const ROOT = '/usr/share/doc';

function apt(...args: string[]): void {
  execFileSync('apt-get', ['-qq', '-y', '--no-install-recommends', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 200_000,
  });
}

/** Whether the archive has it, and this host has not. */
function unavailable(): Reason {
  if (isInstalled(PACKAGE)) {
    return unless(false, `a host without ${PACKAGE}`, `apt-get purge ${PACKAGE} && npm test -- --suite deb`);
  }
  try {
    apt('install', '--download-only', PACKAGE);
    return undefined;
  } catch {
    return unless(false, `${PACKAGE} from the archive`, 'apt-get update && npm test -- --suite deb');
  }
}

const reason = noLinuxRoot ?? noDpkg ?? unavailable();

describe.skipIf(reason !== undefined)(`file integrity under the package manager${because(reason)}`, () => {
  const tree = reason === undefined ? new WatchedTree(ROOT) : undefined;
  const watched = (): WatchedTree => {
    if (tree === undefined) throw new Error('not watched');
    return tree;
  };

  beforeAll(() => watched().watch());
  afterAll(async () => {
    if (isInstalled(PACKAGE)) apt('purge', PACKAGE);
    rmSync(join(ROOT, PACKAGE), { recursive: true, force: true });
    await watched().close();
  });

  it('R200 R208 accounts for an installation, with dpkg as its actor and labelled as the package manager', async () => {
    apt('install', PACKAGE);
    const events = await watched().accounted();
    expect(events.length).toBeGreaterThan(20);
    const known = events.filter(({ wayfarer }) => wayfarer.actor.state === 'known');
    expect(known.length).toBeGreaterThan(20);
    expect(Object.keys(actorsOf(known))).toEqual(['/usr/bin/dpkg']);
    expect(new Set(known.map(({ wayfarer }) => wayfarer.package_manager))).toEqual(new Set(['dpkg']));
  });

  it('R200 R208 accounts for a removal, with dpkg as its actor wherever one is known', async () => {
    apt('purge', PACKAGE);
    const events = await watched().accounted();
    const deleted = events.filter(({ event }) => event.action === 'deleted');
    expect(deleted.length).toBeGreaterThan(20);
    // What is found gone with its directory has no actor, and so no label.
    const known = deleted.filter(({ wayfarer }) => wayfarer.actor.state === 'known');
    expect(known.length).toBeGreaterThan(0);
    expect(Object.keys(actorsOf(known))).toEqual(['/usr/bin/dpkg']);
    expect(new Set(known.map(({ wayfarer }) => wayfarer.package_manager))).toEqual(new Set(['dpkg']));
  });

  it('R200 labels by its database what dpkg installed while nothing ran, and nothing that was changed since', async () => {
    await watched().sensor.stop();
    apt('install', PACKAGE);
    writeFileSync(join(ROOT, PACKAGE, 'README.evil'), 'not of the package');
    const changed = join(ROOT, PACKAGE, 'copyright');
    appendFileSync(changed, 'one more line\n');
    await watched().watchAgain();
    const events = await watched().accounted();
    const labelled = events.filter(({ wayfarer }) => wayfarer.package_manager === 'dpkg');
    const files = events.filter(({ file, event }) => file.type === 'file' && event.action === 'created');
    expect(files.length).toBeGreaterThan(20);
    expect(
      files
        .filter((event) => !labelled.includes(event))
        .map(({ file }) => file.path)
        .sort(),
    ).toEqual([changed, join(ROOT, PACKAGE, 'README.evil')].sort());
    expect(new Set(events.map(({ wayfarer }) => wayfarer.actor.state))).toEqual(new Set(['unknown']));
  });
});
