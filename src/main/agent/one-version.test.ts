import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cpuSharePct, defaultProfile, type Profile } from '../../shared/profile.ts';
import { AGENT_VERSION, type StatusRequest } from '../../shared/wire.ts';
import { parseProxyList } from '../uplink/proxy/proxy-list.ts';
import { spreadMs } from './schedule.ts';
import { MINUTE, Rig } from './testing/rig.ts';

/*
 * What agents elsewhere had from some version on works here in the one version that there is, whose number is below all
 * of those. (The installer of Windows, 4.5 there, is no matter of this code.)
 */

const profileOf = (change: Partial<Profile>): Profile => ({ ...defaultProfile(), ...change });

/** The parameter, the version of others that brought it, and two of its settings with what comes of each. */
const PARAMETERS: readonly (readonly [
  name: string,
  gate: string,
  results: readonly (readonly [unknown, unknown])[],
])[] = [
  [
    'the CPU limit of Windows',
    '1.5',
    [5, 80].map((cpuLimitPct) => [cpuSharePct(profileOf({ cpuLimitPct }), 'win32'), cpuLimitPct]),
  ],
  [
    'the CPU throttle of Linux and macOS',
    '1.6',
    ['linux', 'darwin'].flatMap((os) => [
      [cpuSharePct(profileOf({ cpuThrottleMs: 20 }), os), 10],
      [cpuSharePct(profileOf({ cpuThrottleMs: 0 }), os), 100],
    ]),
  ],
  [
    'delay and randomise',
    '4.4',
    [
      [spreadMs(profileOf({ scanDelayMin: 7, scanRandomizeMin: 0 }), 0), 7 * MINUTE],
      [spreadMs(profileOf({ scanDelayMin: 7, scanRandomizeMin: 10 }), 0.99), 17 * MINUTE],
    ],
  ],
  [
    'a list of several proxies',
    '3.1',
    [[parseProxyList('http://a:1;http://b:2;http://c:3').proxies.map(({ host }) => host), ['a', 'b', 'c']]],
  ],
];

describe('an agent of one version', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  it.each(PARAMETERS)('R321 has %s, which came with %s elsewhere', (_name, gate, results) => {
    expect(Number.parseFloat(AGENT_VERSION)).toBeLessThan(Number.parseFloat(gate));
    expect(results.length).toBeGreaterThan(0);
    for (const [found, expected] of results) expect(found).toEqual(expected);
  });

  it('R321 obeys all of them in one profile, and ScanOnDemand, which came with 3.0 elsewhere', async () => {
    const change = { cpuLimitPct: 42, cpuThrottleMs: 7, scanDelayMin: 30, scanRandomizeMin: 60 };
    rig.platform.profile = { ...rig.platform.profile, ...change };
    await rig.start();
    expect(rig.collector.collections).toEqual([]);
    await rig.pass((30 + 60) * MINUTE);
    const [first] = rig.collector.collections;
    expect(first?.pace).toEqual({ cpuLimitPct: 42, cpuThrottleMs: 7 });
    rig.scanKeys.put('Inventory', { ScanOnDemand: 1, CpuLimit: 33 });
    await rig.settle();
    expect(rig.collector.lastCollection.pace.sharePct).toBe(33);
    const beats = rig.platform.of('heartbeat').map(({ body }) => (body as StatusRequest).agentVersion);
    expect(new Set(beats)).toEqual(new Set([AGENT_VERSION]));
  });
});
