import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveSettings } from '../host/settings.ts';
import { readSettingsFile } from '../host/settings-file.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const text = (): string => rig.status.conditions[0]?.text ?? '';

describe('a setting that is wrong', () => {
  it.each([
    ['Syslog', '/etc/wayfarer/agent.conf:3', '"maybe" is neither on nor off'],
    ['Colour', '/etc/wayfarer/agent.conf:4', 'is not a setting, the line is ignored'],
  ])(
    'and that the agent does without (%s) is a warning and stops nothing',
    async (setting, source, reason) => {
      rig.settings = { ...rig.settings, problems: [{ setting, source, reason, harmless: true }] };
      await rig.start();
      expect(rig.conditions).toEqual(['CONFIG_IGNORED']);
      expect(rig.status.conditions[0]).toMatchObject({ severity: 'warning', stopsUploads: false });
      expect(text()).toBe(`${setting}: ${reason}. The agent goes on without it; correct it in ${source}.`);
      expect(rig.status.phase).toBe('up to date');
      expect(rig.inSync()).toBe(true);
    },
  );

  it('and that names a CA file of no use stops nothing while the platform can be verified without', async () => {
    rig.caFileProblem = '/etc/ca.pem holds no PEM certificate';
    await rig.start();
    expect(rig.conditions).toEqual(['CONFIG_IGNORED']);
    expect(text()).toContain('CaFile: /etc/ca.pem holds no PEM certificate');
    expect(rig.status.phase).toBe('up to date');
  });

  it('and that nothing can take the place of is an error, and nothing is sent', async () => {
    const problem = { setting: 'PlatformKey', source: 'f:1', reason: 'is not a key' };
    rig.settings = { ...rig.settings, problems: [problem] };
    await rig.start();
    expect(rig.conditions).toEqual(['CONFIG_INVALID']);
    expect(rig.platform.calls).toEqual([]);
  });

  it('in a file that others may write is not read, and the condition names file, owner and the command', async () => {
    const file = rig.paths.settingsFile;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `CustomerId=${String(rig.settings.customerId)}\n`);
    chmodSync(file, 0o666);
    const { settings, problems } = readSettingsFile(file);
    expect(settings).toEqual({});
    rig.settings = resolveSettings([settings], problems);
    await rig.start();
    expect(rig.conditions).toEqual(['SETTINGS_UNSAFE']);
    expect(text()).toContain(`${file} is not read: every user may write it (mode 666).`);
    expect(text()).toContain(`run chmod go-w ${file}`);
    expect(rig.platform.calls).toEqual([]);
    chmodSync(file, 0o644);
    expect(readSettingsFile(file)).toMatchObject({ problems: [], settings: { CustomerId: {} } });
  });
});

const wrong = (setting: string, line: number) => ({
  setting,
  source: `agent.conf:${String(line)}`,
  reason: 'is wrong',
});
const texts = (): string[] => rig.status.conditions.map(({ text }) => text);

it('says what is wrong with settings that were read again, and no longer what was mended', async () => {
  rig.settings = { ...rig.settings, problems: [{ ...wrong('Syslog', 3), harmless: true }] };
  await rig.start();
  expect(texts()).toEqual(['Syslog: is wrong. The agent goes on without it; correct it in agent.conf:3.']);
  rig.core.settingsRead({ missing: [], problems: [wrong('Syslog', 4), wrong('CustomerId', 1)] });
  await rig.settle();
  expect(texts()).toEqual([
    'Syslog: is wrong. The agent goes on without it; correct it in agent.conf:4.',
    'CustomerId: is wrong. The agent goes on without it; correct it in agent.conf:1.',
  ]);
  // Those before are in force: nothing stops.
  expect(rig.status.phase).toBe('up to date');
  rig.core.settingsRead({ missing: [], problems: [] });
  await rig.settle();
  expect(texts()).toEqual([]);
});

it('says what is missing until it is there, and leaves alone what is wrong with the CA file itself', async () => {
  rig.settings = { ...resolveSettings([]), missing: ['CustomerId'] };
  rig.caFileProblem = 'holds no PEM certificate';
  await rig.start();
  expect(rig.conditions.sort()).toEqual(['CONFIG_IGNORED', 'NOT_CONFIGURED']);
  rig.core.settingsRead({ missing: [], problems: [] });
  await rig.settle();
  expect(texts()).toEqual([expect.stringContaining('holds no PEM certificate')]);
});

it('says what a changed file lacks, while what it said before stays in force', async () => {
  await rig.start();
  rig.core.settingsRead({ missing: ['CustomerId'], problems: [] });
  await rig.settle();
  expect(rig.conditions).toEqual(['CONFIG_IGNORED']);
  expect(texts()[0]).toContain('CustomerId: is missing; the value before stays in force');
  expect(rig.status.phase).toBe('up to date');
});
