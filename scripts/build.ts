/** `npm run build`: the headless programs as bundles in `dist/`, with the packages that stay outside beside them. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, BUNDLES, EXTERNAL, type BundleName } from './bundles.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const ADVISORIES = 'src/platform/advisories';

/** What the packages outside the bundles need at run time; their sources and build files stay behind. */
const RUNTIME_PARTS: Readonly<Record<(typeof EXTERNAL)[number], readonly string[]>> = {
  '@parcel/watcher': ['LICENSE', 'index.js', 'wrapper.js'],
  'better-sqlite3': ['LICENSE', 'lib', 'prebuilds', 'build'],
  keytar: ['LICENSE.md', 'lib', 'prebuilds'],
  koffi: ['LICENSE.txt', 'index.cjs', 'index.js', ...['index', 'src/static'].flatMap(koffiModule)],
  'quickjs-wasi': ['LICENSE', 'dist', 'quickjs.wasm'],
};

function koffiModule(name: string): string[] {
  return [`src/koffi/${name}.cjs`, `src/koffi/${name}.js`];
}

function copyPart(path: string): void {
  const source = join(ROOT, 'node_modules', path);
  if (existsSync(source)) cpSync(source, join(DIST, 'node_modules', path), { recursive: true });
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
for (const name of Object.keys(BUNDLES) as BundleName[]) {
  await bundle(name, DIST);
  console.log(`dist/${name}.mjs  ${Math.round(statSync(join(DIST, `${name}.mjs`)).size / 1024)} KB`);
}
for (const name of EXTERNAL) {
  for (const part of ['package.json', ...RUNTIME_PARTS[name]]) copyPart(join(name, part));
}
// The binaries of koffi and @parcel/watcher, those that npm chose for this machine, and what the latter asks for.
copyPart('@koromix');
for (const name of readdirSync(join(ROOT, 'node_modules/@parcel'))) {
  if (name.startsWith('watcher-')) copyPart(join('@parcel', name));
}
for (const name of ['detect-libc', 'is-extglob', 'is-glob', 'picomatch']) copyPart(name);
if (existsSync(join(ROOT, ADVISORIES))) {
  cpSync(join(ROOT, ADVISORIES), join(DIST, 'advisories'), { recursive: true });
}
