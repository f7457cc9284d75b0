import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      /** The package's own name, where it is installed under another one. */
      name: z.string().optional(),
      version: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
});
const Manifest = z.object({ allowScripts: z.record(z.string(), z.boolean()) });

const read = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8'));
const { packages } = Lock.parse(read('package-lock.json'));

/** Where npm may put a dependency of the package at `path`: inside it or beside one of the packages around it. */
function places(path: string, dependency: string): string[] {
  const parts = path === '' ? [] : path.split('/node_modules/');
  const inside = parts.map(
    (_, index) => `${parts.slice(0, index + 1).join('/node_modules/')}/node_modules/${dependency}`,
  );
  return [`node_modules/${dependency}`, ...inside];
}

describe('the lock file', () => {
  it('holds the optional packages of every system, else npm ci refuses it', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !places(path, name).some((place) => place in packages))
        .map((name) => `${name} of ${path}`),
    );
    expect(missing).toEqual([]);
  });

  it('brings no install script that nobody decided on', () => {
    const { allowScripts } = Manifest.parse(read('package.json'));
    const scripted = Object.entries(packages)
      .filter(([, entry]) => entry.hasInstallScript === true)
      .map(([path, entry]) => entry.name ?? path.replace(/^.*node_modules\//, ''));
    expect(scripted.filter((name) => !(name in allowScripts))).toEqual([]);
  });

  it('has the same packages for Windows as tests run under Wine', () => {
    const { packages: wanted } = Lock.parse(read('test/wine/windows/package-lock.json'));
    const native = Object.entries(wanted).filter(([path]) => path.startsWith('node_modules/@'));
    expect(native.map(([path, { version }]) => [path, version])).toEqual(
      native.map(([path]) => [path, packages[path]?.version]),
    );
    expect(native).toHaveLength(2);
  });
});
