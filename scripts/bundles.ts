import { join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** Entry points of the headless programs and the names of their bundles in `dist/`. */
export const BUNDLES = {
  service: 'src/main/service.ts',
  collector: 'src/collector/main.ts',
  sensor: 'src/collector/sensor.ts',
  ledger: 'src/collector/fim/ledger/worker.ts',
  'image-hash': 'src/collector/edr/image-hash-thread.ts',
  'pac-runner': 'src/main/uplink/pac/main.ts',
  agentid: 'src/main/agentid.ts',
  wayfarerctl: 'src/main/cli.ts',
  WayfarerProxy: 'src/main/proxy-tool.ts',
  cloudagentctl: 'src/main/cloudagentctl.ts',
  'wayfarer-agent-sh': 'src/main/wayfarer-agent-sh.ts',
  'wayfarer-platform': 'src/platform/cli.ts',
} as const;
export type BundleName = keyof typeof BUNDLES;

/** Packages that stay outside the bundles: native or WebAssembly, found beside them at run time. */
export const EXTERNAL = ['@parcel/watcher', 'better-sqlite3', 'keytar', 'koffi', 'quickjs-wasi'] as const;

/** Asked for by systeminformation on macOS if they happen to be there; nothing here needs them. */
export const OPTIONAL = ['macos-temperature-sensor', 'osx-temperature-sensor'] as const;

/**
 * Messages of zod in English alone: its other languages are part of every program that uses it, and nobody sees them.
 */
const englishOnly: Plugin = {
  name: 'english-only',
  setup(esbuild) {
    esbuild.onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
    }));
  },
};

function options(name: BundleName, outdir: string): BuildOptions & { metafile: true } {
  return {
    absWorkingDir: ROOT,
    entryPoints: { [name]: BUNDLES[name] },
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    // A module whatever directory it is put in: an installed one has no package.json that says so.
    outExtension: { '.js': '.mjs' },
    sourcemap: true,
    // The runtime keeps the text of a program in memory, at two bytes a character if one of them is not Latin-1.
    minify: true,
    keepNames: true,
    plugins: [englishOnly],
    legalComments: 'linked',
    metafile: true,
    logLevel: 'silent',
    external: [...EXTERNAL, ...OPTIONAL],
    // CommonJS packages inside an ESM bundle still call `require` for Node's built-ins.
    banner: {
      js: "import { createRequire as nodeCreateRequire } from 'node:module';const require = nodeCreateRequire(import.meta.url);",
    },
  };
}

/**
 * Bundles one program into `outdir`, or only works out what would be in it when `outdir` is left out. Returns esbuild's
 * record of every input and of every import that stays outside. Throws esbuild's BuildFailure with the place of the error.
 */
export async function bundle(name: BundleName, outdir?: string): Promise<Metafile> {
  const result = await build({ ...options(name, outdir ?? join(ROOT, 'dist')), write: outdir !== undefined });
  return result.metafile;
}
