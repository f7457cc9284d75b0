import { afterEach, beforeEach, expect, it } from 'vitest';
import { ProfileReply, type ShownParameter } from '../../shared/control.ts';
import { NUMBER_PARAMETERS, SWITCH_PARAMETERS } from '../../shared/profile.ts';
import { MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const shown = (name: string): ShownParameter | undefined =>
  rig.core.profile().parameters.find((parameter) => parameter.name === name);

it('R107 R127 R128 shows every parameter of the one profile in force with unit, range and default', async () => {
  rig.changeProfile({ statusIntervalSec: 1800, suspendCollection: true });
  await rig.start();
  const profile = ProfileReply.parse(rig.core.profile());
  expect(profile).toMatchObject({ name: rig.platform.profile.name, version: rig.platform.profileVersion });
  const names = profile.parameters.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([...Object.keys(NUMBER_PARAMETERS), ...Object.keys(SWITCH_PARAMETERS)]),
  );
  expect(names.length).toBeGreaterThanOrEqual(30);
  expect(shown('statusIntervalSec')).toEqual({
    name: 'statusIntervalSec',
    value: 1800,
    unit: 's',
    range: { min: 900, max: 2700 },
    default: 900,
    clampedFrom: null,
  });
  expect(shown('suspendCollection')).toMatchObject({ value: true, default: false });
  expect(profile.parameters.filter(({ range, unit }) => range !== null && unit === null)).toEqual([]);
});

it('tells what the profile said where it was out of range, until a later one says otherwise', async () => {
  rig.changeProfile({ chunkSizeKb: 99_999, scanMergePorts: [0, 10_002] });
  await rig.start();
  expect(shown('chunkSizeKb')).toMatchObject({ value: 10_240, clampedFrom: 99_999 });
  expect(shown('scanMergePorts')).toMatchObject({ value: '10002', clampedFrom: '0,10002' });
  rig.changeProfile({ chunkSizeKb: 64, blackoutWindows: [{ days: [1, 7], start: '22:00', end: '06:00' }] });
  await rig.pass(30 * MINUTE);
  expect(shown('chunkSizeKb')).toMatchObject({ value: 64, clampedFrom: null });
  expect(shown('blackoutWindows')).toMatchObject({ value: 'Mon,Sun 22:00–06:00', default: 'none' });
});
