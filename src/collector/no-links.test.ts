import {
  closeSync,
  linkSync,
  lchownSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, noRoot } from '../../test/support/reason.ts';
import { listNames, readText } from './files.ts';
import { anchored, checkByDescriptor, checkByWalk, type LinkCheck } from './no-links.ts';
import { layOut } from './testing/host.ts';

const OWN = { links: 'none' } as const;
const on = (root: string) => ({ root, os: 'linux' }) as const;

/** Opens after the check was made and tells whether the check lets it pass. */
function passes(check: LinkCheck, path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    check(fd);
    return true;
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}

/** A home whose folder `dir` a person swaps for a link to what only root may read. */
function swapped() {
  const root = layOut({ '/home/u/dir/file': 'own', '/secret/file': 'secret' });
  const path = join(root, 'home/u/dir/file');
  const swap = (): void => {
    renameSync(join(root, 'home/u/dir'), join(root, 'home/u/aside'));
    symlinkSync(join(root, 'secret'), join(root, 'home/u/dir'));
  };
  return { path, swap };
}

describe.each([
  ['by descriptor, as on Linux', checkByDescriptor],
  ['by walk, as on macOS and Windows', checkByWalk],
])('links on the way, seen %s', (_name, checkOf) => {
  it('lets a file pass whose path holds none', () => {
    const { path } = swapped();
    expect(passes(checkOf(path), path)).toBe(true);
  });

  it('refuses a folder that is swapped for a link before the open', () => {
    const { path, swap } = swapped();
    const check = checkOf(path);
    swap();
    expect(passes(check, path)).toBe(false);
  });

  it('refuses a file that is swapped for another after the open', () => {
    const { path, swap } = swapped();
    const check = checkOf(path);
    const fd = openSync(path, 'r');
    swap();
    expect(() => {
      check(fd);
    }).toThrow();
    closeSync(fd);
  });
});

it('finds a link anywhere in a path before it opens anything, where only a walk can tell', () => {
  const { path, swap } = swapped();
  swap();
  expect(() => checkByWalk(path)).toThrow('a link leads elsewhere');
});

describe('below a folder that a person owns', () => {
  it('lists no folder that is reached through a link', () => {
    const root = layOut({
      '/secret/x/name': '',
      '/home/u/real/x/name': '',
      '/home/u/dir': { link: '../../secret' },
    });
    expect(listNames(on(root), '/home/u/real/x', OWN)).toEqual(['name']);
    expect(() => listNames(on(root), '/home/u/dir/x', OWN)).toThrow('a link leads elsewhere');
    expect(listNames(on(root), '/home/u/dir', OWN)).toEqual([]);
    expect(listNames(on(root), '/home/u/none', OWN)).toEqual([]);
  });

  it('lists at most 10,000 names, 100,000 elsewhere', () => {
    const root = layOut();
    mkdirSync(join(root, 'd'));
    for (let index = 0; index <= 10_000; index += 1) writeFileSync(join(root, 'd', String(index)), '');
    expect(() => listNames(on(root), '/d', OWN)).toThrow('/d: more than 10000 entries');
    expect(listNames(on(root), '/d')).toHaveLength(10_001);
  });

  it('follows a link of the first folder, which only an administrator can place', () => {
    const root = layOut({ '/var/home/u/f': 'x', '/home': { link: 'var/home' } });
    expect(readText(on(root), '/home/u/f', OWN)).toBe('x');
    expect(anchored(root, `${root}/home/u/f`)).toBe(`${root}/var/home/u/f`);
    expect(anchored(root, `${root}/home`)).toBe(`${root}/home`);
  });

  it.skipIf(noRoot !== undefined)(`reads no second name of a file of somebody else${because(noRoot)}`, () => {
    const root = layOut({ '/secret': 's', '/home/u/own': 'x' });
    linkSync(join(root, 'home/u/own'), join(root, 'home/u/twice'));
    linkSync(join(root, 'secret'), join(root, 'home/u/stolen'));
    for (const name of ['', '/own']) lchownSync(join(root, 'home/u') + name, 1_000, 1_000);
    expect(readText(on(root), '/home/u/twice', OWN)).toBe('x');
    expect(() => readText(on(root), '/home/u/stolen', OWN)).toThrow(
      'a second name of a file of somebody else',
    );
  });
});
