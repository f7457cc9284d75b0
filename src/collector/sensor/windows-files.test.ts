import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DoubledDrive } from '../fim/windows/testing/doubled-windows.ts';
import {
  access,
  at,
  CANARY,
  doubled,
  HOSTS,
  NOTEPAD,
  rule,
  runOnWindows,
  separateHosts,
  start,
  WRITE,
} from './testing/windows-sensor.ts';
import { settle } from './testing/run-sensor.ts';

separateHosts();

/** Somebody writes to the watched `hosts`. */
const writeHosts = ({ windows, drive }: ReturnType<typeof doubled>): void => {
  drive.write({ parent: 5n, name: 'hosts', at: windows.timers.now(), reason: WRITE });
};

describe('the files of Windows, through the sensor', () => {
  it('R199 R208 a change in the journal is looked at, with the actor that the Security log has', async () => {
    const host = doubled();
    const { watch, pass, examined, state } = await runOnWindows(host);
    await watch([HOSTS]);
    host.windows.audit(4688, start('0x1a2c'));
    host.windows.audit(4663, access());
    writeHosts(host);
    await pass(3_000);
    expect(examined()).toMatchObject([
      { path: 'C:\\Watched\\hosts', provider: 'change journal', at: host.windows.timers.now() - 3_000 },
    ]);
    expect(examined()[0]?.late).toBeUndefined();
    const actor = examined()[0]?.by.presence?.actor;
    expect(actor).toMatchObject({
      state: 'known',
      process: { pid: 0x1a2c, executable: NOTEPAD, command_line: 'notepad.exe /a' },
      user: { name: 'CORP\\anna' },
    });
    expect(state()).toMatchObject({
      fim: {
        actor: 'known',
        mounts: [{ mount: 'C:\\', method: 'change journal' }],
        rules: [{ id: 'etc' }],
      },
    });
  });

  it('R208 without a record of who made it the actor is unknown, with the reason', async () => {
    const host = doubled();
    const { watch, pass, examined } = await runOnWindows(host);
    await watch([HOSTS]);
    writeHosts(host);
    await pass(3_000);
    expect(examined()[0]?.by.presence?.actor).toEqual({
      state: 'unknown',
      reason: 'no audit record for this change: auditing of the file is off',
    });
  });

  it('R208 where files are not audited the log is not asked, and status says what to turn on', async () => {
    const host = doubled();
    host.windows.policy = { ...host.windows.policy, files: false };
    const { watch, pass, examined, state } = await runOnWindows(host);
    await watch([HOSTS]);
    writeHosts(host);
    await pass(3_000);
    expect(examined()[0]?.by.presence?.actor).toEqual({
      state: 'unknown',
      reason: 'accesses to files are not audited on this host',
    });
    expect(host.windows.asked).toEqual([]);
    expect(state()?.fim?.actor).toBe('unknown');
    expect(state()?.problems).toMatchObject([
      { code: 'FIM_NO_ACTOR', text: expect.stringContaining('turn on "File System"') as string },
    ]);
    host.windows.policy = { ...host.windows.policy, files: true };
    await pass(62_000);
    expect(state()?.fim?.actor).toBe('known');
    expect(state()?.problems).toEqual([]);
  });

  it('R208 the log that can not be read costs no change, and is a problem until it can', async () => {
    const host = doubled();
    host.windows.exitCode = 5;
    const { watch, pass, examined, state } = await runOnWindows(host);
    await watch([HOSTS]);
    writeHosts(host);
    await pass(3_000);
    expect(examined()[0]?.by.presence?.actor).toEqual({
      state: 'unknown',
      reason: 'the Security log could not be read',
    });
    expect(state()?.problems).toMatchObject([{ code: 'FIM_NO_ACTOR' }]);
    host.windows.exitCode = 0;
    writeHosts(host);
    await pass(3_000);
    expect(state()?.problems).toEqual([]);
  });

  it('the canary is heard at once, whatever case it is told in', async () => {
    const host = doubled();
    const { watch, pass, state, examined } = await runOnWindows(host);
    const begun = host.windows.timers.now();
    await watch([HOSTS]);
    await pass(130_000);
    expect(state()?.problems).toEqual([]);
    expect(Date.parse(state()?.fim?.canarySeenAt ?? '')).toBeGreaterThanOrEqual(begun + 60_000);
    expect(examined()).toEqual([]);
  });

  it('R199 R208 what happened while the agent was off is found from where the journal was read to', async () => {
    const host = doubled();
    const before = await runOnWindows(host);
    await before.watch([HOSTS]);
    await before.pass(200_000);
    await before.sensor.end(0);
    const off = host.windows.timers.now() + 3_600_000;
    host.windows.timers.pass(3_600_000);
    host.windows.audit(4663, access({ ObjectName: 'C:\\Watched\\away' }));
    host.drive.write({ parent: 5n, name: 'away', at: off, reason: 0x8000_0002 });
    host.windows.timers.pass(3_600_000);
    const { watch, pass, examined, of } = await runOnWindows(host);
    await watch([HOSTS]);
    await pass(3_000);
    expect(examined()).toMatchObject([{ path: 'C:\\Watched\\away', at: off, late: true }]);
    expect(examined()[0]?.by.content?.actor).toMatchObject({ state: 'known', process: { pid: 0x1a2c } });
    expect(of('lost')).toEqual([]);
  });

  it('R208 another journal has the rules of its drive walked, and is read from then on', async () => {
    const host = doubled();
    const before = await runOnWindows(host);
    await before.watch([HOSTS]);
    await before.pass(200_000);
    await before.sensor.end(0);
    host.drive.exchange();
    const { watch, pass, examined, of } = await runOnWindows(host);
    await watch([HOSTS]);
    expect(of('lost')).toEqual([
      { kind: 'lost', lost: { reason: 'restart', below: ['C:\\Watched', CANARY] } },
    ]);
    writeHosts(host);
    await pass(3_000);
    expect(examined()).toMatchObject([{ path: 'C:\\Watched\\hosts' }]);
  });

  it('R208 places that can not be read begin anew, without an error', async () => {
    writeFileSync(join(at.dataDir, 'places.json'), '{"version":1,"journals":{"C":{"journal":"x"}}}');
    const host = doubled();
    const { watch, pass, examined, of } = await runOnWindows(host);
    await watch([HOSTS]);
    writeHosts(host);
    await pass(3_000);
    expect(examined()).toHaveLength(1);
    expect(of('lost')).toEqual([]);
  });

  it('R208 other rules at run time are followed, on other drives too', async () => {
    const host = doubled();
    const data = new DoubledDrive().directory(9n, 'D:\\Data');
    host.windows.drives.set('D', data);
    const { watch, pass, examined, state } = await runOnWindows(host);
    await watch([HOSTS]);
    data.write({ parent: 9n, name: 'early', at: 0, reason: WRITE });
    await watch([rule('data', { kind: 'directory', path: 'D:\\Data' })]);
    data.write({ parent: 9n, name: 'a', at: host.windows.timers.now(), reason: WRITE });
    writeHosts(host);
    await pass(3_000);
    expect(examined().map(({ path }) => path)).toEqual(['D:\\Data\\a']);
    expect(state()?.fim?.mounts.map(({ mount }) => mount)).toEqual(['C:\\', 'D:\\']);
  });

  it('R208 without the rights for volumes the file watcher takes over, and the reason shows', async () => {
    const host = doubled();
    host.windows.forbid();
    const { watch, state } = await runOnWindows(host);
    await watch([HOSTS]);
    await settle();
    expect(state()?.problems[0]).toMatchObject({
      code: 'FIM_NO_ACTOR',
      text: expect.stringContaining("change journal: the volume C: can't be opened: error 5") as string,
    });
  });
});
