/** `npm run build`: the headless programs as bundles in `dist/`, with the native store beside them. */
import { cpSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, BUNDLES, EXTERNAL, type BundleName } from './bundles.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const ADVISORIES = 'src/platform/advisories';

/** What a package outside the bundles needs at run time; its sources and build files stay behind. */
const RUNTIME_PARTS = ['package.json', 'LICENSE', 'lib', 'dist', 'prebuilds', 'build', 'quickjs.wasm'];

function copyPackage(name: string): void {
  for (const part of RUNTIME_PARTS) {
    const source = join(ROOT, 'node_modules', name, part);
    if (existsSync(source)) cpSync(source, join(DIST, 'node_modules', name, part), { recursive: true });
  }
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
for (const name of Object.keys(BUNDLES) as BundleName[]) {
  await bundle(name, DIST);
  console.log(`dist/${name}.mjs  ${Math.round(statSync(join(DIST, `${name}.mjs`)).size / 1024)} KB`);
}
for (const name of EXTERNAL) copyPackage(name);
if (existsSync(join(ROOT, ADVISORIES))) {
  cpSync(join(ROOT, ADVISORIES), join(DIST, 'advisories'), { recursive: true });
}
