import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundle, BUNDLES, EXTERNAL, OPTIONAL, type BundleName } from '../../scripts/bundles.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const names = Object.keys(BUNDLES) as BundleName[];

/** Everything that a bundle takes in or leaves outside, as package and module names or paths. */
async function contents(name: BundleName): Promise<{ inputs: string[]; outside: string[] }> {
  const { inputs, outputs } = await workedOut(name);
  const outside = Object.values(outputs).flatMap((output) => output.imports.map((imported) => imported.path));
  return { inputs: Object.keys(inputs), outside: [...new Set(outside)] };
}

const known = new Map<BundleName, ReturnType<typeof bundle>>();

/** What is in a bundle, worked out once for all tests of this file. */
function workedOut(name: BundleName): ReturnType<typeof bundle> {
  const found = known.get(name) ?? bundle(name);
  known.set(name, found);
  return found;
}

describe('the headless bundles', () => {
  it.each(names)('%s has an entry point', (name) => {
    expect(existsSync(join(ROOT, BUNDLES[name]))).toBe(true);
  });

  it.each(names)('%s holds no electron, neither inside nor as an import', async (name) => {
    const { inputs, outside } = await contents(name);
    expect(inputs.length).toBeGreaterThan(0);
    expect([...inputs, ...outside].filter((path) => /(^|\/)electron(\/|$)/.test(path))).toEqual([]);
  });

  it.each(names)('%s holds messages of zod in one language', async (name) => {
    const { inputs } = await contents(name);
    const locales = inputs.filter((path) => path.includes('zod/v4/locales/'));
    expect(locales.map((path) => basename(path)).filter((file) => file !== 'index.js')).toEqual(
      inputs.some((path) => path.includes('/zod/')) ? ['en.js'] : [],
    );
  });

  it('service and collector can be kept in memory at one byte a character', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wayfarer-bundle-'));
    try {
      for (const name of ['service', 'collector'] as const) {
        await bundle(name, directory);
        const text = readFileSync(join(directory, `${name}.mjs`), 'utf8');
        expect(text.length).toBeGreaterThan(100_000);
        expect(/[\u{100}-\u{10ffff}]/u.exec(text)?.[0]).toBeUndefined();
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it.each(['collector', 'agentid'] as const)('the service finds %s beside it', async (name) => {
    const { outputs } = await workedOut(name);
    const made = Object.keys(outputs).map((path) => basename(path));
    const looked = [...readFileSync(join(ROOT, BUNDLES.service), 'utf8').matchAll(/entry\('([\w.]+)', '/g)];
    expect(made.filter((file) => looked.some(([, found]) => found === file))).toEqual([`${name}.mjs`]);
  });

  it('whoever runs proxy scripts finds their runner beside it', async () => {
    const { outputs } = await workedOut('pac-runner');
    const made = Object.keys(outputs).map((path) => basename(path));
    const looked = /'(pac-runner\.\w+)'/.exec(
      readFileSync(join(ROOT, 'src/main/uplink/pac/run-script.ts'), 'utf8'),
    );
    expect(made).toContain(looked?.[1]);
  });

  it.each(names)('%s needs nothing at run time but Node and the native store', async (name) => {
    const { outside } = await contents(name);
    const allowed = new Set<string>([...EXTERNAL, ...OPTIONAL]);
    expect(outside.filter((path) => !isBuiltin(path) && !allowed.has(path))).toEqual([]);
  });
});
