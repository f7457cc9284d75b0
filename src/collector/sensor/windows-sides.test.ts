import { describe, expect, it } from 'vitest';
import type { Task } from '../../shared/manifest.ts';
import { doubled, NOTEPAD, runOnWindows, separateHosts, start, STARTS } from './testing/windows-sensor.ts';

separateHosts();

const listeners = (exclude: readonly string[] = []): Task => ({
  id: 'listen',
  table: 'listener_events',
  params: { severity: 'medium', exclude: [...exclude] },
});
const mutexes = (...names: readonly string[]): Task => ({
  id: 'mutex',
  table: 'mutex_events',
  params: { severity: 'critical', names: [...names] },
});
const socket = (port: number, pid: number, transport: 'tcp' | 'udp' = 'tcp') => ({
  transport,
  address: '0.0.0.0',
  port,
  pid,
});
const objects = (type: string, ...names: readonly string[]) => names.map((name) => ({ name, type }));
const GLOBAL = '\\BaseNamedObjects';
const SESSION = '\\Sessions\\1\\BaseNamedObjects';

describe('sockets of Windows that listen, through the sensor', () => {
  it('R201 are told once when they open, with the program that holds them; those there at first are not', async () => {
    const { windows, ...host } = doubled();
    windows.sockets = [socket(135, 4)];
    windows.images.set(7, 'C:\\Tools\\Server.exe');
    const { watch, pass, appended, state } = await runOnWindows({ windows, ...host });
    await watch(null, [listeners()]);
    windows.sockets = [socket(135, 4), socket(8080, 7), socket(53, 7, 'udp'), socket(50_000, 7, 'udp')];
    await pass(16_000);
    await pass(16_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'listener_opened', provider: 'iphlpapi', severity: 2 },
        rule: { id: 'listen' },
        server: { address: '0.0.0.0', port: 8080, transport: 'tcp' },
        process: { pid: 7, name: 'Server.exe', executable: 'C:\\Tools\\Server.exe' },
      },
      { server: { port: 53, transport: 'udp' } },
    ]);
    expect(state()?.problems).toEqual([]);
  });

  it('R201 are told soon after a program started, with what its start said of it', async () => {
    const { windows, ...host } = doubled();
    const { watch, pass, appended } = await runOnWindows({ windows, ...host });
    await watch(null, [STARTS, listeners()]);
    await pass(500);
    windows.audit(4688, start('0x20'));
    windows.images.set(0x20, NOTEPAD.toLowerCase());
    windows.sockets = [socket(8080, 0x20)];
    await pass(9_000);
    expect(appended()).toMatchObject([
      { event: { action: 'process_started' } },
      { event: { action: 'listener_opened' }, process: { pid: 0x20, command_line: 'notepad.exe /a' } },
    ]);
  });

  it('R201 are left out by the path of the program, whatever its case; by no path where there is none', async () => {
    const { windows, ...host } = doubled();
    windows.images.set(7, 'C:\\Tools\\Server.exe').set(8, 'C:\\Other\\Server.exe');
    const { watch, pass, appended } = await runOnWindows({ windows, ...host });
    await watch(null, [listeners(['c:\\tools\\*'])]);
    windows.sockets = [7, 8, 9, 0].map((pid) => socket(8_000 + pid, pid));
    await pass(16_000);
    expect(appended().map(({ wayfarer }) => wayfarer)).toMatchObject([
      {},
      { reason: "its image can't be told: error 87" },
      { reason: 'no process was found that holds it' },
    ]);
    expect(appended().map((event) => ('server' in event ? event.server?.port : 0))).toEqual([
      8_008, 8_009, 8_000,
    ]);
  });

  it('R208 that can not be read are said to be missing, and are known again afterwards', async () => {
    const { windows, ...host } = doubled();
    windows.sockets = [socket(135, 4)];
    const { watch, pass, appended, state } = await runOnWindows({ windows, ...host });
    await watch(null, [listeners()]);
    windows.silent = 'error 5';
    await pass(60_000);
    expect(state()?.problems).toEqual([
      { code: 'EDR_INCOMPLETE', text: 'sockets that listen are not all seen: the table tcp: error 5' },
    ]);
    windows.silent = undefined;
    await pass(60_000);
    expect(state()?.problems).toEqual([]);
    expect(appended()).toEqual([]);
  });

  it('are told up to a bound, and as lost beyond it', async () => {
    const { windows, ...host } = doubled();
    const { watch, pass, appended } = await runOnWindows({ windows, ...host });
    await watch(null, [listeners()]);
    windows.sockets = Array.from({ length: 1_030 }, (_, n) => socket(1_000 + n, 7));
    await pass(30_000);
    expect(appended()).toHaveLength(1_025);
    expect(appended().at(-1)).toMatchObject({
      event: { action: 'events_lost' },
      wayfarer: { reason: 'more sockets opened than could be looked at: 6' },
    });
  });
});

describe('mutexes of Windows by name, through the sensor', () => {
  it('R201 are told once while they exist, wherever they are, those there at first as well', async () => {
    const { windows, ...host } = doubled();
    windows.directories.set('\\Sessions', objects('Directory', '0', '1', 'BNOLINKS'));
    windows.directories.set(GLOBAL, objects('Mutant', 'Worm', 'worm', 'Wormhole'));
    windows.directories.set(SESSION, objects('Mutant', 'Evil-17', 'Good'));
    const { watch, pass, appended, state } = await runOnWindows({ windows, ...host });
    await watch(null, [mutexes('Global\\Worm', 'Evil-??')]);
    windows.directories.set(GLOBAL, [
      ...objects('Event', 'Evil-18'),
      ...objects('Mutant', 'Worm', 'Evil-19'),
    ]);
    await pass(32_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'mutex_created', provider: 'object namespace', severity: 4 },
        rule: { id: 'mutex' },
        wayfarer: {
          item: '\\BaseNamedObjects\\Worm',
          reason: 'the namespace does not tell which process made it',
        },
      },
      { wayfarer: { item: '\\Sessions\\1\\BaseNamedObjects\\Evil-17' } },
      { wayfarer: { item: '\\BaseNamedObjects\\Evil-19' } },
    ]);
    expect(state()?.problems).toEqual([]);
  });

  it('R201 are told again once they were gone, so are those of a session that began anew', async () => {
    const { windows, ...host } = doubled();
    windows.directories.set('\\Sessions', objects('Directory', '1'));
    windows.directories.set(SESSION, objects('Mutant', 'Evil'));
    const { watch, pass, appended } = await runOnWindows({ windows, ...host });
    await watch(null, [mutexes('Local\\Evil')]);
    windows.directories.set('\\Sessions', []);
    await pass(16_000);
    windows.directories.set('\\Sessions', objects('Directory', '1'));
    await pass(16_000);
    windows.directories.set(SESSION, []);
    await pass(16_000);
    windows.directories.set(SESSION, objects('Mutant', 'Evil'));
    await pass(16_000);
    expect(appended()).toHaveLength(3);
  });

  it('R208 that can not be listed are said to be missing; a directory that is too full as well', async () => {
    const { windows, ...host } = doubled();
    const { watch, pass, state } = await runOnWindows({ windows, ...host });
    windows.silent = 'status 0xc0000022';
    await watch(null, [mutexes('Evil')]);
    await pass(60_000);
    expect(state()?.problems).toEqual([
      { code: 'EDR_INCOMPLETE', text: 'mutexes are not all seen: \\Sessions: status 0xc0000022' },
    ]);
    windows.silent = undefined;
    const many = Array.from({ length: 16_384 }, (_, n) => String(n));
    windows.directories.set(GLOBAL, objects('Event', ...many));
    await pass(60_000);
    expect(state()?.problems).toEqual([
      {
        code: 'EDR_INCOMPLETE',
        text: 'mutexes are not all seen: \\BaseNamedObjects: it has more than 16384 objects',
      },
    ]);
  });

  it('R207 are looked for with a rule alone, as sockets are', async () => {
    const { windows, ...host } = doubled();
    const { watch, pass } = await runOnWindows({ windows, ...host });
    await watch(null, [STARTS]);
    await pass(60_000);
    expect(windows.looks).toBe(0);
    await watch(null, [STARTS, listeners(), mutexes('Evil')]);
    await pass(30_000);
    const before = windows.looks;
    expect(before).toBeGreaterThan(0);
    await watch(null, [STARTS]);
    await pass(60_000);
    expect(windows.looks).toBe(before);
  });
});
