import { describe, expect, it } from 'vitest';
import { process as esProcess } from '../fim/macos/testing/es-line.ts';
import { edr, runOnMac, separateMacs, started, STARTS } from './testing/macos-sensor.ts';

separateMacs();

/** What lsof prints of one socket. */
const socket = (pid: number, name: string, protocol = 'TCP'): string =>
  `p${String(pid)}\nu501\nf5\ntIPv4\nP${protocol}\nn${name}\n`;
const FIRST = socket(1, '*:22');

describe('sockets of macOS that listen, through the sensor', () => {
  it('R201 are told once when they open, with the program and the user; those there at first are not', async () => {
    const { watch, pass, appended, state, lsof, paths } = await runOnMac();
    lsof.prints = FIRST;
    paths.set(700, '/opt/s\u00e9rver%');
    await watch(null, [edr('listener_events', { severity: 'medium' })]);
    await pass(1_000);
    lsof.prints =
      FIRST + socket(700, '[::1]:8080') + socket(701, '*:53', 'UDP') + socket(701, '*:50000', 'UDP');
    await pass(121_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'listener_opened', provider: 'lsof', severity: 2 },
        rule: { id: 'listener_events' },
        server: { address: '::1', port: 8080, transport: 'tcp' },
        process: { pid: 700, name: 's\u00e9rver%25', executable: '/opt/s\u00e9rver%25' },
        user: { id: '501', name: 'joerg' },
      },
      {
        server: { address: '0.0.0.0', port: 53, transport: 'udp' },
        process: { pid: 701 },
        wayfarer: { reason: "its image can't be told: ESRCH" },
      },
    ]);
    expect(appended()).toHaveLength(2);
    expect(state()?.problems).toEqual([]);
  });

  it('R201 are left out by the path of the program, also one behind a link of the system', async () => {
    const { watch, pass, appended, lsof, paths } = await runOnMac();
    lsof.prints = FIRST;
    paths.set(700, '/private/tmp/server').set(701, '/opt/server');
    await watch(null, [edr('listener_events', { exclude: ['/tmp/*'] })]);
    await pass(1_000);
    lsof.prints = FIRST + [700, 701, 702].map((pid) => socket(pid, `*:${String(8_000 + pid)}`)).join('');
    await pass(61_000);
    expect(appended().map(({ process }) => process?.pid)).toEqual([701, 702]);
  });

  it('are looked for every minute while starts are not heard, else some seconds after one, a minute apart at least', async () => {
    const { eslogger, watch, pass, lsof } = await runOnMac();
    await watch(null, [edr('listener_events')]);
    await pass(181_000);
    expect(lsof.calls).toBe(4);
    await watch(null, [STARTS, edr('listener_events')]);
    await pass(61_000);
    expect(lsof.calls).toBe(5);
    await pass(120_000);
    expect(lsof.calls).toBe(5);
    eslogger.say(started('/bin/ls'));
    await pass(6_000);
    expect(lsof.calls).toBe(6);
    for (let second = 0; second < 50; second += 1) {
      eslogger.say(started('/bin/ls'));
      await pass(1_000);
    }
    expect(lsof.calls).toBe(6);
    await pass(11_000);
    expect(lsof.calls).toBe(7);
    await watch(null, [STARTS]);
    await pass(600_000);
    expect(lsof.calls).toBe(7);
  });

  it('are found by a command of the sensor that is no event and brings no other look; that of somebody else is one', async () => {
    const { eslogger, watch, pass, appended, lsof } = await runOnMac();
    await watch(null, [STARTS, edr('listener_events')]);
    await pass(70_000);
    const before = lsof.calls;
    const child = (parent: number, pid: number) => {
      const more = { ppid: parent, parent_audit_token: { pid: parent, pidversion: 1_400 } };
      const target = esProcess('/usr/sbin/lsof', { pid, pidversion: 1_501 }, more);
      return { exec: { target, args: ['lsof'] } };
    };
    eslogger.say(child(4_242, 800));
    eslogger.say({ exit: { stat: 0 } }, esProcess('/usr/sbin/lsof', { pid: 800, pidversion: 1_501 }));
    await pass(70_000);
    expect([lsof.calls, appended()]).toEqual([before, []]);
    eslogger.say(child(1, 801));
    await pass(6_000);
    expect(lsof.calls).toBe(before + 1);
    expect(appended()).toMatchObject([{ process: { pid: 801, executable: '/usr/sbin/lsof' } }]);
  });

  it('R208 that lsof does not tell of are said to be missing, and are known again afterwards', async () => {
    const { watch, pass, appended, state, lsof } = await runOnMac();
    lsof.prints = FIRST;
    await watch(null, [edr('listener_events')]);
    lsof.prints = '';
    await pass(120_000);
    expect(state()?.problems).toEqual([
      {
        code: 'EDR_INCOMPLETE',
        text: 'sockets that listen are not seen: lsof tells of no socket at all',
      },
    ]);
    lsof.prints = FIRST;
    await pass(120_000);
    expect([state()?.problems, appended()]).toEqual([[], []]);
  });

  it('are known from the first look on where rules come back while one is under way', async () => {
    const { watch, pass, appended, lsof } = await runOnMac();
    lsof.prints = FIRST;
    const first = watch(null, [edr('listener_events')]);
    const gone = watch(null, null);
    const again = watch(null, [edr('listener_events')]);
    await Promise.all([first, gone, again]);
    await pass(1_000);
    expect(lsof.calls).toBe(2);
    lsof.prints = FIRST + socket(700, '*:8080');
    await pass(61_000);
    expect(appended()).toMatchObject([{ server: { port: 8080 } }]);
  });

  it('are told up to a bound, and as lost beyond it', async () => {
    const { watch, pass, appended, lsof } = await runOnMac();
    lsof.prints = FIRST;
    await watch(null, [edr('listener_events')]);
    await pass(1_000);
    const ports = Array.from({ length: 1_030 }, (_, n) => socket(700, `*:${String(1_000 + n)}`));
    lsof.prints = FIRST + ports.join('');
    await pass(70_000);
    expect(appended()).toHaveLength(1_025);
    expect(appended().find(({ event }) => event.action === 'events_lost')?.wayfarer.reason).toBe(
      'more sockets opened than could be looked at: 6',
    );
  });
});
