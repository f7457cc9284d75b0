import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AGENT_VERSION } from '../../src/shared/wire.ts';
import { because, noUnix, unless } from '../support/reason.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NODE_22 = join(ROOT, 'node_modules', 'node22-linux-x64', 'bin', 'node');
const noNode22 = unless(existsSync(NODE_22), 'the packaged Node 22', 'npm ci && npm test, on Linux x64');

/** A folder that looks like a clone to the scripts: they work on the folder above their own. */
let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'wayfarer-clone-'));
  mkdirSync(join(clone, 'scripts'));
  for (const name of ['runtime.mjs', 'ensure-installed.mjs', 'node24.mjs']) {
    cpSync(join(ROOT, 'scripts', name), join(clone, 'scripts', name));
  }
});
afterEach(() => {
  rmSync(clone, { recursive: true, force: true });
});

describe('the launcher', () => {
  it('passes the exit code through', () => {
    const { status } = spawnSync(process.execPath, [
      join(ROOT, 'scripts/node24.mjs'),
      '-e',
      'process.exitCode = 7',
    ]);
    expect(status).toBe(7);
  });

  it('passes SIGTERM on and waits for the program to end by itself', async () => {
    const program = `process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000); console.log('up');`;
    const launcher = spawn(process.execPath, [join(ROOT, 'scripts/node24.mjs'), '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => launcher.once('exit', resolve));
    launcher.stdout.once('data', () => launcher.kill('SIGTERM'));
    expect(await ended).toBe(9);
  });

  it.skipIf(noNode22 !== undefined)(`says what to do where there is no Node 24${because(noNode22)}`, () => {
    const { status, stderr } = spawnSync(NODE_22, [join(clone, 'scripts/node24.mjs'), '-e', '0'], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('npm ci');
  });
});

describe('whether an installation is due', () => {
  const lock = (version: string) => ({
    packages: {
      '': { version: '0.1.0' },
      'node_modules/a': { version },
      'node_modules/for-another-system': { version: '1.0.0', optional: true },
    },
  });
  const put = (path: string, content: unknown): void => {
    writeFileSync(join(clone, path), JSON.stringify(content));
  };
  function reason(): string {
    const script = `import(${JSON.stringify(join(clone, 'scripts/ensure-installed.mjs'))}).then((m) => console.log(m.installReason()))`;
    return spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout.trim();
  }

  it('is due without node_modules', () => {
    put('package-lock.json', lock('1.0.0'));
    expect(reason()).toBe('dependencies are not installed yet');
  });

  it('is not due when everything for this system is there, and due when the lock wants another version', () => {
    put('package-lock.json', lock('1.0.0'));
    mkdirSync(join(clone, 'node_modules'));
    put('node_modules/.package-lock.json', { packages: { 'node_modules/a': { version: '1.0.0' } } });
    expect(reason()).toBe('undefined');
    put('package-lock.json', lock('1.0.1'));
    expect(reason()).toBe('package-lock.json changed since the last installation');
  });

  it('is due after an installation that was broken off', () => {
    put('package-lock.json', lock('1.0.0'));
    mkdirSync(join(clone, 'node_modules'));
    expect(reason()).not.toBe('undefined');
  });
});

describe('the commands in bin', () => {
  it.each(['wayfarerctl', 'wayfarer-platform', 'WayfarerProxy'])(
    '%s hands over to a file that exists',
    (name) => {
      const text = readFileSync(join(ROOT, 'bin', name), 'utf8');
      const entry = /runEntry\('([^']+)'/.exec(text)?.[1] ?? '';
      expect(entry).toMatch(/\/(cli|proxy-tool)\.ts$/);
      expect(existsSync(join(ROOT, entry))).toBe(true);
    },
  );

  it.skipIf(noUnix !== undefined)(
    `cloudagentctl.sh and wayfarer-agent.sh start from wherever they are linked${because(noUnix)}`,
    () => {
      for (const name of ['cloudagentctl.sh', 'wayfarer-agent.sh']) {
        symlinkSync(join(ROOT, 'bin', name), join(clone, name));
        const { status, stdout, stderr } = spawnSync(join(clone, name), ['--version'], { encoding: 'utf8' });
        expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${AGENT_VERSION}\n`, stderr: '' });
      }
    },
  );
});
