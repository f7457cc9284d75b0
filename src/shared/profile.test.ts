import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MANIFEST_TYPES } from './modules.ts';
import {
  BlackoutWindowSchema,
  clampProfile,
  defaultProfile,
  intervalMinutes,
  LOG_LEVELS,
  NUMBER_PARAMETERS,
  outOfRange,
  PRESET_VALUES,
  PRESETS,
  ProfileSchema,
  type NumberParameter,
} from './profile.ts';

const NAMES = Object.keys(NUMBER_PARAMETERS) as NumberParameter[];
const profileOf = (values: object) => ProfileSchema.parse({ id: 'p', name: 'P', ...values });

/** Range and default as the product prescribes them, written down here once more on purpose. */
const PRESCRIBED: Record<NumberParameter, readonly [number, number, number]> = {
  statusIntervalSec: [900, 2700, 900],
  deltaUploadIntervalSec: [1, 1800, 10],
  chunkSizeKb: [64, 10_240, 1024],
  networkThrottleTxKbps: [0, 1_000_000, 0],
  cpuLimitPct: [2, 100, 5],
  cpuThrottleMs: [0, 1000, 20],
  vmIntervalMin: [240, 43_200, 240],
  pcIntervalMin: [240, 43_200, 240],
  scaIntervalMin: [240, 43_200, 240],
  pmIntervalMin: [240, 43_200, 1440],
  scanDelayMin: [0, 720, 0],
  scanRandomizeMin: [0, 720, 0],
  onDemandCpuLimitPct: [2, 100, 100],
  fimPayloadKb: [1, 10_240, 1024],
  fimPayloadThresholdSec: [30, 1800, 30],
  fimMaxDiskMb: [10, 10_240, 300],
  fimRescanHours: [1, 168, 24],
  edrPayloadKb: [1, 10_240, 1024],
  edrPayloadThresholdSec: [30, 1800, 60],
  edrMaxDiskMb: [10, 10_240, 300],
  requestTimeoutSec: [5, 600, 60],
};

describe('profile', () => {
  it('R107 R142 R143 has every parameter with its prescribed range and default', () => {
    const given = Object.fromEntries(
      NAMES.map((name) => {
        const range = NUMBER_PARAMETERS[name];
        return [name, [range.min, range.max, range.default]];
      }),
    );
    expect(given).toEqual(PRESCRIBED);
  });

  it('is complete by its defaults alone', () => {
    const { id, name, description, ...rest } = defaultProfile();
    expect([id, name, description]).toEqual(['builtin', 'Built-in defaults', '']);
    expect(rest).toEqual({
      ...Object.fromEntries(NAMES.map((parameter) => [parameter, PRESCRIBED[parameter][2]])),
      preset: 'CUSTOM',
      logLevel: 'info',
      blackoutWindows: [],
      reducedActivity: [],
      scanMergePorts: [10001, 10002, 10003, 10004, 10005],
      onPremise: { ipRange: '0.0.0.0/0' },
      scanMergeBindAll: false,
      suspendCollection: false,
      preventAutoUpdate: false,
      fimEnabled: false,
      edrEnabled: false,
      pmEnabled: true,
      scanMergeEnabled: false,
      wpadEnabled: false,
      proxyFailOpen: true,
    });
  });

  it('R141 sets with LOW, NORMAL and HIGH what the product prescribes', () => {
    expect(PRESETS).toEqual(['LOW', 'NORMAL', 'HIGH', 'CUSTOM']);
    const rows = (['LOW', 'NORMAL', 'HIGH'] as const).map((preset) => PRESET_VALUES[preset]);
    expect(rows.map((row) => row.statusIntervalSec)).toEqual([2700, 1800, 900]);
    expect(rows.map((row) => row.deltaUploadIntervalSec)).toEqual([10, 5, 1]);
    expect(rows.map((row) => row.chunkSizeKb)).toEqual([1024, 2048, 4096]);
    expect(rows.map((row) => row.networkThrottleTxKbps)).toEqual([256, 1024, 0]);
    expect(rows.map((row) => row.cpuLimitPct)).toEqual([5, 20, 80]);
    expect(rows.map((row) => row.cpuThrottleMs)).toEqual([20, 10, 0]);
    expect(rows.map((row) => Object.keys(row).length)).toEqual([6, 6, 6]);
    for (const row of rows) expect(outOfRange(profileOf(row))).toEqual([]);
  });

  it('takes the log level, and the usual one for a level it does not know', () => {
    for (const level of LOG_LEVELS) expect(profileOf({ logLevel: level }).logLevel).toBe(level);
    expect(LOG_LEVELS).toEqual(['error', 'warn', 'info', 'debug', 'trace']);
    expect(profileOf({ logLevel: 'silly' }).logLevel).toBe('info');
    expect(profileOf({ preset: 'TURBO' }).preset).toBe('CUSTOM');
    expect(profileOf({ preset: 'LOW' }).preset).toBe('LOW');
  });

  it('ignores parameters it does not know', () => {
    expect(profileOf({ warpFactor: 9 })).not.toHaveProperty('warpFactor');
  });

  it.each([
    ['no id', { id: '' }],
    ['an id of 65 characters', { id: 'x'.repeat(65) }],
    ['no name', { name: '' }],
    ['a name of 201 characters', { name: 'x'.repeat(201) }],
    ['a description of 2001 characters', { description: 'x'.repeat(2001) }],
    ['text for a number', { cpuLimitPct: '5' }],
    ['a number that is none', { cpuLimitPct: Number.NaN }],
    ['text for a switch', { fimEnabled: 'true' }],
    [
      '65 blackout windows',
      { blackoutWindows: Array.from({ length: 65 }, () => ({ days: [1], start: '00:00', end: '01:00' })) },
    ],
  ])('is refused with %s', (_, values) => {
    expect(ProfileSchema.safeParse({ id: 'p', name: 'P', ...values }).success).toBe(false);
  });

  it('is taken at the limits of its texts and lists', () => {
    const window = { days: [1], start: '00:00', end: '01:00' };
    const values = {
      id: 'x'.repeat(64),
      name: 'x'.repeat(200),
      description: 'x'.repeat(2000),
      blackoutWindows: Array.from({ length: 64 }, () => window),
    };
    expect(profileOf(values)).toMatchObject(values);
    expect(profileOf({ id: 'x', name: 'y' })).toMatchObject({ id: 'x', name: 'y' });
  });
});

describe('blackout windows', () => {
  const window = { days: [1, 7], start: '22:00', end: '06:30' };

  it.each([
    ['across midnight', {}],
    ['on all days', { days: [1, 2, 3, 4, 5, 6, 7] }],
    ['at the ends of the clock', { start: '00:00', end: '23:59' }],
    ['in the twenties and the teens', { start: '20:59', end: '19:09' }],
  ])('R154 may be %s', (_, change) => {
    expect(BlackoutWindowSchema.parse({ ...window, ...change })).toEqual({ ...window, ...change });
  });

  it.each([
    [{ days: [] }],
    [{ days: [0] }],
    [{ days: [8] }],
    [{ days: [1.5] }],
    [{ days: [1, 2, 3, 4, 5, 6, 7, 1] }],
    ...['24:00', '9:00', '22:60', '22:0', '122:00', '22:000', '22.00', '-2:00', '2a:00', '22:5a', ''].flatMap(
      (time) => [[{ start: time }], [{ end: time }]],
    ),
  ] as [object][])('are refused with %j', (change) => {
    expect(BlackoutWindowSchema.safeParse({ ...window, ...change }).success).toBe(false);
  });
});

describe('clampProfile', () => {
  it.each(NAMES)('brings %s to the nearest value of its range and says so', (parameter) => {
    const [min, max] = PRESCRIBED[parameter];
    for (const [given, used] of [
      [min - 1, min],
      [max + 1, max],
      [-1e300, min],
      [1e300, max],
      [min + 0.6, min + 1],
    ] as const) {
      const profile = profileOf({ [parameter]: given });
      expect(outOfRange(profile)).toEqual([{ parameter, given, used }]);
      const result = clampProfile(profile);
      expect(result.profile).toEqual({ ...profile, [parameter]: used });
      expect(result.clamped).toEqual([{ parameter, given, used }]);
      expect(profile[parameter]).toBe(given);
    }
    for (const inside of [min, max]) expect(outOfRange(profileOf({ [parameter]: inside }))).toEqual([]);
  });

  it('leaves nothing out of range, whatever came, and changes nothing the second time', () => {
    const values = fc.record(
      Object.fromEntries(NAMES.map((name) => [name, fc.double({ noNaN: true, noDefaultInfinity: true })])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, (given) => {
        const { profile } = clampProfile(profileOf(given));
        for (const name of NAMES) {
          expect(Number.isSafeInteger(profile[name])).toBe(true);
          expect(profile[name]).toBeGreaterThanOrEqual(PRESCRIBED[name][0]);
          expect(profile[name]).toBeLessThanOrEqual(PRESCRIBED[name][1]);
        }
        expect(clampProfile(profile)).toEqual({ profile, clamped: [] });
      }),
    );
  });
});

describe('the ports of scan merge', () => {
  const portsOf = (scanMergePorts: readonly number[]) => clampProfile(profileOf({ scanMergePorts }));

  it('R271 are 10001 to 10005 unless given', () => {
    expect(clampProfile(profileOf({})).profile.scanMergePorts).toEqual([10001, 10002, 10003, 10004, 10005]);
  });

  it('R272 come out ascending and each once, so that the first is the lowest', () => {
    expect(portsOf([10005, 80, 10001, 80])).toMatchObject({
      profile: { scanMergePorts: [80, 10001, 10005] },
      clamped: [],
    });
  });

  it('leave out and name what is no port, and are the default ones where nothing is left', () => {
    const { profile, clamped } = portsOf([65_536, 9000, 0, 1.5, -1, 65_535, 1]);
    expect(profile.scanMergePorts).toEqual([1, 9000, 65_535]);
    expect(clamped).toEqual([
      { parameter: 'scanMergePorts', given: '65536,9000,0,1.5,-1,65535,1', used: '1,9000,65535' },
    ]);
    for (const none of [[], [0]]) {
      expect(portsOf(none)).toMatchObject({
        profile: { scanMergePorts: [10001, 10002, 10003, 10004, 10005] },
        clamped: [{ given: none.join(','), used: '10001,10002,10003,10004,10005' }],
      });
    }
  });

  it('are 32 at most, the lowest ones', () => {
    const many = Array.from({ length: 33 }, (_, n) => 33 - n);
    expect(portsOf(many).profile.scanMergePorts).toEqual(Array.from({ length: 32 }, (_, n) => n + 1));
    expect(portsOf(many).clamped).toHaveLength(1);
    expect(portsOf(many.slice(1)).clamped).toEqual([]);
  });

  it('are not so many that a profile could not be read', () => {
    const many = (length: number) => ({ scanMergePorts: Array.from({ length }, () => 1e300) });
    expect(clampProfile(profileOf(many(256))).clamped[0]?.given).toHaveLength(200);
    expect(ProfileSchema.safeParse({ id: 'p', name: 'P', ...many(257) }).success).toBe(false);
  });
});

describe('intervalMinutes', () => {
  const profile = profileOf({
    vmIntervalMin: 301,
    pcIntervalMin: 302,
    scaIntervalMin: 303,
    pmIntervalMin: 304,
  });

  it('R159 R160 R161 takes VM, PC and SCA from the profile', () => {
    expect(intervalMinutes('Vulnerability', profile)).toBe(301);
    expect(intervalMinutes('PolicyCompliance', profile)).toBe(302);
    expect(intervalMinutes('SCA', profile)).toBe(303);
  });

  it('R162 is a day for inventory', () => {
    expect(intervalMinutes('Inventory', profile)).toBe(1440);
  });

  it('R163 R164 R165 is four hours for UDC, AutoDiscovery and MiddlewarePC', () => {
    expect(
      (['UDC', 'AutoDiscovery', 'MiddlewarePC'] as const).map((type) => intervalMinutes(type, profile)),
    ).toEqual([240, 240, 240]);
  });

  it('R171 takes patch assessment from the profile: four hours to thirty days, a day by default', () => {
    expect(intervalMinutes('PatchAssessment', profile)).toBe(304);
    expect(NUMBER_PARAMETERS.pmIntervalMin).toEqual({ min: 240, max: 30 * 1440, default: 1440 });
  });

  it('exists for every type', () => {
    for (const type of MANIFEST_TYPES) expect(intervalMinutes(type, profile)).toBeGreaterThanOrEqual(240);
  });
});
