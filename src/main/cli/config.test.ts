import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkSettings } from '../host/check-settings.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';
import { definitionOf, SETTING_NAMES } from '../host/setting-definitions.ts';
import { addConfig } from './config.ts';
import { runCommand, type CommandOutcome } from './testing/run-command.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

let root: string;
let paths: Paths;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wf-config-'));
  paths = resolvePaths('linux', root, {});
  mkdirSync(dirname(paths.settingsFile), { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const config = (...args: string[]): Promise<CommandOutcome> =>
  runCommand(addConfig, paths, 'config', ...args);

describe('wayfarerctl config check', () => {
  it('ends with 0 where every line is right, and says what the file leaves to others', async () => {
    writeFileSync(paths.settingsFile, `CustomerId=${ID}\nSyslog=on\n`);
    const { code, stdout } = await config('check');
    expect(code).toBe(0);
    expect(stdout).toContain('every line is right');
    expect(stdout).toContain('ActivationId, WebServiceUri');
  });

  it('ends with 1 and names file, line, reason and next step of each that is wrong', async () => {
    const file = join(root, 'new.conf');
    writeFileSync(file, 'Syslog=on\nSyslog=perhaps\u001b[2J\n');
    const { code, stdout } = await config('check', file);
    expect(code).toBe(1);
    expect(stdout).toContain(`${file}:2 Syslog: "perhaps?[2J" is neither on nor off`);
    expect(stdout).toContain(`${file}:2 Syslog: stands in line 1 as well`);
    expect(stdout.match(/^ {2}→ /gm)).toHaveLength(2);
    const json = await config('check', file, '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ file, problems: [{ line: 2 }, { line: 2 }] });
  });

  it('ends with 1 for a file that is not there, or that the agent would not read', async () => {
    expect(await config('check')).toMatchObject({
      code: 1,
      stdout: '',
      reason: `there is no ${paths.settingsFile}`,
    });
    symlinkSync('/dev/zero', paths.settingsFile);
    expect((await config('check')).reason).toContain('is a symbolic link');
    rmSync(paths.settingsFile);
    writeFileSync(paths.settingsFile, '#'.repeat(64 * 1024 + 1));
    expect((await config('check')).reason).toContain('larger than 65536 bytes');
  });
});

describe('wayfarerctl config show', () => {
  it('gives each value with its source, the environment before the file, defaults else', async () => {
    writeFileSync(
      paths.settingsFile,
      `\nCustomerId=${ID.toUpperCase()}\nSyslog=on\nMeteredUploadLimitMb=x\n`,
    );
    vi.stubEnv('WAYFARER_SYSLOG', 'off');
    const { code, stdout } = await config('show', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      settings: {
        CustomerId: { value: ID, source: `${paths.settingsFile}:2` },
        ActivationId: { value: null, source: 'not set' },
        Syslog: { value: 'off', source: 'WAYFARER_SYSLOG' },
        MeteredUploadLimitMb: { value: '1', source: 'default, as the given value is not valid' },
      },
      problems: [{ setting: 'MeteredUploadLimitMb' }],
    });
    expect((await config('show')).stdout).toMatch(/Syslog +off +WAYFARER_SYSLOG\n/);
  });

  it('works before there is a file', async () => {
    expect((await config('show')).stdout).toMatch(/CustomerId +- +not set\n/);
  });
});

describe('wayfarerctl config template', () => {
  it('is a file without a wrong line that names every setting with form, default and variable', async () => {
    const { stdout } = await config('template');
    expect(checkSettings(stdout).problems).toEqual([]);
    for (const name of SETTING_NAMES) {
      const { form, environment } = definitionOf(name);
      expect(stdout).toMatch(new RegExp(`# ${form}; .*; also ${environment}\n#${name}=`));
    }
    expect(stdout).toContain('\n#MeteredUploadLimitMb=1\n');
  });

  it('is right as well once its lines with a default are taken into use', async () => {
    const { stdout } = await config('template');
    const used = stdout.replace(/^#(\w+=)/gm, '$1');
    expect(checkSettings(used).problems).toEqual([]);
    expect(checkSettings(used).missing).toEqual(['CustomerId', 'ActivationId', 'WebServiceUri']);
  });

  it('gives the same table with --json', async () => {
    const { settings } = JSON.parse((await config('template', '--json')).stdout) as {
      settings: { name: string }[];
    };
    expect(settings.map(({ name }) => name)).toEqual(SETTING_NAMES);
  });
});
