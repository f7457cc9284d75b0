import { afterEach, beforeEach, expect, it } from 'vitest';
import { resolveSettings } from '../host/settings.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const wrong = (setting: string, line: number) => ({
  setting,
  source: `agent.conf:${String(line)}`,
  reason: 'is wrong',
});
const texts = (): string[] => rig.status.conditions.map(({ text }) => text);

it('says what is wrong with settings that were read again, and no longer what was mended', async () => {
  rig.settings = { ...rig.settings, problems: [{ ...wrong('Syslog', 3), harmless: true }] };
  await rig.start();
  expect(texts()).toEqual(['Syslog: is wrong. Correct it in agent.conf:3.']);
  rig.core.settingsRead({ missing: [], problems: [wrong('Syslog', 4), wrong('CustomerId', 1)] });
  await rig.settle();
  expect(texts()).toEqual([
    'Syslog: is wrong. Correct it in agent.conf:4.',
    'CustomerId: is wrong. Correct it in agent.conf:1.',
  ]);
  rig.core.settingsRead({ missing: [], problems: [] });
  await rig.settle();
  expect(texts()).toEqual([]);
});

it('says what is missing until it is there, and leaves alone what is wrong with the CA file itself', async () => {
  rig.settings = { ...resolveSettings([]), missing: ['CustomerId'] };
  rig.caFileProblem = 'holds no PEM certificate';
  await rig.start();
  expect(rig.conditions.sort()).toEqual(['CONFIG_INVALID', 'NOT_CONFIGURED']);
  rig.core.settingsRead({ missing: [], problems: [] });
  await rig.settle();
  expect(texts()).toEqual([expect.stringContaining('holds no PEM certificate')]);
});
