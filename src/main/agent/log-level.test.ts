import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effectiveLevel, nextLevelChangeAt } from './log-level.ts';
import { DAY, MINUTE, Rig } from './testing/rig.ts';

describe('the level in force', () => {
  const override = { level: 'trace', until: 10 * DAY } as const;

  it.each([
    ['without an override', null, 9 * DAY, 'warn', null],
    ['while it holds', override, 10 * DAY - 1, 'trace', 10 * DAY],
    ['at its end', override, 10 * DAY, 'warn', null],
    ['seven days before its end', override, 3 * DAY, 'trace', 10 * DAY],
    ['more than that, as after a clock that was set back', override, 3 * DAY - 1, 'warn', null],
  ] as const)('is right %s', (_, given, now, level, changesAt) => {
    expect(effectiveLevel('warn', given, now)).toBe(level);
    expect(nextLevelChangeAt(given, now)).toBe(changesAt);
  });
});

describe('the log of a running agent', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await rig.start();
  });
  afterEach(() => rig.dispose());

  const later = (ms: number): string => new Date(rig.clock.now() + ms).toISOString();

  /** Gives SET_LOG_LEVEL with the next heartbeat; how it was acknowledged. */
  async function setLevel(args: Record<string, unknown>): Promise<string | undefined> {
    const { id } = rig.platform.command('SET_LOG_LEVEL', args);
    await rig.pass(15 * MINUTE);
    const record = [...rig.platform.records.values()].find(
      (one) => one.kind === 'command' && one.commandId === id,
    );
    return record?.kind === 'command' ? record.result : undefined;
  }

  it('R151 follows the profile at once', async () => {
    expect(rig.logLevel).toBe('info');
    rig.platform.profile = { ...rig.platform.profile, logLevel: 'debug' };
    rig.platform.profileVersion += 1;
    await rig.pass(15 * MINUTE);
    expect(rig.logLevel).toBe('debug');
    expect(rig.status.log).toEqual({ path: rig.paths.logFile, level: 'debug', until: null });
  });

  it('obeys the platform until the moment it names, through a restart, and ends that by itself', async () => {
    const until = later(75 * MINUTE);
    expect(await setLevel({ level: 'trace', until })).toBe('DONE');
    expect(rig.logLevel).toBe('trace');
    expect(rig.status.log).toEqual({ path: rig.paths.logFile, level: 'trace', until });
    await rig.stop();
    rig.logLevel = undefined;
    await rig.start();
    expect(rig.logLevel).toBe('trace');
    // Nothing else happens at that moment: heartbeats come at another minute.
    await rig.pass(Date.parse(until) - rig.clock.now() - 1);
    expect(rig.logLevel).toBe('trace');
    await rig.pass(1);
    expect(rig.logLevel).toBe('info');
    expect(rig.status.log.until).toBeNull();
  });

  it('stays ended when the clock is set back, at once and after a restart', async () => {
    const until = later(75 * MINUTE);
    expect(await setLevel({ level: 'trace', until })).toBe('DONE');
    await rig.pass(Date.parse(until) - rig.clock.now());
    expect(rig.logLevel).toBe('info');
    rig.clock.jumpTo(Date.parse(until) - 30 * MINUTE);
    await rig.pass(1);
    expect(rig.logLevel).toBe('info');
    await rig.stop();
    rig.logLevel = undefined;
    await rig.start();
    expect(rig.logLevel).toBe('info');
  });

  it("reckons by the platform's clock where that of the host is wrong", async () => {
    await rig.stop();
    rig.clockOffsetSec = 3600;
    await rig.start();
    expect(await setLevel({ level: 'debug', until: later(60 * MINUTE) })).toBe('REFUSED');
    expect(await setLevel({ level: 'debug', until: later(120 * MINUTE) })).toBe('DONE');
    expect(rig.status.log.until).toBe(later(45 * MINUTE));
  });

  it.each<[string, (now: number) => Record<string, unknown>]>([
    ['no end', () => ({ level: 'debug' })],
    ['an end that is over', (now) => ({ level: 'debug', until: new Date(now).toISOString() })],
    ['an end in eight days', (now) => ({ level: 'debug', until: new Date(now + 8 * DAY).toISOString() })],
    ['an end that is no time', () => ({ level: 'debug', until: 'tomorrow' })],
    ['no level', (now) => ({ until: new Date(now + DAY).toISOString() })],
    ['an unknown level', (now) => ({ level: 'loud', until: new Date(now + DAY).toISOString() })],
  ])('refuses a command with %s', async (_, args) => {
    expect(await setLevel(args(rig.clock.now()))).toBe('REFUSED');
    expect(rig.logLevel).toBe('info');
  });

  it('shows that it cannot be written, goes on, and takes that back', async () => {
    rig.logTrouble = 'ENOSPC: no space left on device, write';
    await rig.pass(15 * MINUTE);
    expect(rig.status.conditions).toMatchObject([
      { code: 'LOG_UNWRITABLE', text: expect.stringContaining('ENOSPC') as string, stopsUploads: false },
    ]);
    expect(rig.status.phase).toBe('up to date');
    rig.logTrouble = null;
    await rig.pass(15 * MINUTE);
    expect(rig.conditions).toEqual([]);
  });
});
