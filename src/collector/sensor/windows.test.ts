import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Task } from '../../shared/manifest.ts';
import type { FromSensor } from '../../shared/sensor.ts';
import type { Examination, ToLedger } from '../fim/ledger/messages.ts';
import { DoubledDrive, DoubledWindows } from '../fim/windows/testing/doubled-windows.ts';
import { Sensor } from './session.ts';
import { windowsSources } from './windows.ts';

/* The real sensor over a double of Windows (fim/windows/testing/doubled-windows.ts); the ledger is the test's. */

const OWN = 'C:\\ProgramData\\Wayfarer\\Agent';
const CANARY = `${OWN}\\sensor\\canary`;
const NOTEPAD = 'C:\\Windows\\System32\\notepad.exe';
const WRITE = 0x100;
const rule = (id: string, params: Task['params']): Task => ({ id, table: 'file_integrity', params });
const HOSTS = rule('etc', { kind: 'directory', path: 'C:\\Watched' });
const RUN = rule('run', { kind: 'registry', path: 'HKLM\\SOFTWARE\\Run', diff: true });
const STARTS: Task = { id: 'starts', table: 'process_events', params: { severity: 'low' } };

let dataDir: string;
let sensors: Sensor[] = [];
beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'wf-windows-'))));
afterEach(async () => {
  await Promise.all(sensors.map((sensor) => sensor.end(0)));
  sensors = [];
  rmSync(dataDir, { recursive: true });
});

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

/** A double of Windows with a drive that has a watched directory, number 5, and that of the agent, number 6. */
function doubled(): { windows: DoubledWindows; drive: DoubledDrive } {
  const windows = new DoubledWindows();
  const drive = new DoubledDrive().directory(5n, 'C:\\Watched').directory(6n, `${OWN}\\sensor`);
  windows.drives.set('C', drive);
  return { windows, drive };
}

/** One run of the sensor on that host. */
async function run({ windows, drive }: ReturnType<typeof doubled>) {
  const sent: FromSensor[] = [];
  const posted: ToLedger[] = [];
  let receive: (message: unknown) => void = () => undefined;
  const { timers } = windows;
  const sensor = new Sensor({
    port: {
      send: (message) => void sent.push(message),
      onMessage: (receiver) => (receive = receiver),
      onClose: () => undefined,
    },
    os: 'win32',
    pid: 4_242,
    now: timers.now,
    startTimer: timers.start,
    rssBytes: () => 1,
    openLedger: () => ({ post: (message) => void posted.push(message), stop: () => Promise.resolve() }),
    ...windowsSources(dataDir, () => undefined, windows.host()),
    realPath: ({ path }) => path,
    canaryPath: CANARY,
    touchCanary: () => {
      drive.write({ parent: 6n, name: 'Canary', at: timers.now(), reason: WRITE });
    },
    onEnd: () => undefined,
  });
  sensors.push(sensor);
  await sensor.start();
  const of = <K extends ToLedger['kind']>(kind: K) =>
    posted.filter((message): message is Extract<ToLedger, { kind: K }> => message.kind === kind);
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      timers.pass(Math.min(500, left));
      await settle();
    }
  };
  return {
    ...{ posted, of, pass, sensor },
    watch: async (fim: readonly Task[] | null, edr: readonly Task[] | null = null) => {
      receive({
        kind: 'watch',
        fim: fim === null ? null : { tasks: [...fim], rescanHours: 24 },
        edr: edr === null ? null : { tasks: [...edr] },
        own: [OWN],
        sharePct: 50,
      });
      await settle();
    },
    examined: (): Examination[] => of('examine').flatMap(({ items }) => items),
    appended: () => of('append').flatMap(({ events }) => events),
    state: () => sent.findLast((message) => message.kind === 'state')?.state,
  };
}

const access = (more: Readonly<Record<string, string>> = {}) => ({
  ObjectType: 'File',
  ObjectName: 'C:\\Watched\\hosts',
  AccessMask: '0x2',
  ProcessId: '0x1a2c',
  ProcessName: NOTEPAD,
  ...more,
});
const start = (pid: string, more: Readonly<Record<string, string>> = {}) => ({
  NewProcessId: pid,
  NewProcessName: NOTEPAD,
  ProcessId: '0x10',
  ParentProcessName: 'C:\\Windows\\explorer.exe',
  CommandLine: 'notepad.exe /a',
  ...more,
});
const value = (more: Readonly<Record<string, string>> = {}) => ({
  ObjectName: '\\REGISTRY\\MACHINE\\SOFTWARE\\Run',
  ObjectValueName: 'Updater',
  OperationType: '%%1905',
  OldValue: 'C:\\old.exe',
  NewValue: 'C:\\new.exe',
  ProcessId: '0x1a2c',
  ProcessName: NOTEPAD,
  ...more,
});

describe('the files of Windows, through the sensor', () => {
  it('R199 R208 a change in the journal is looked at, with the actor that the Security log has', async () => {
    const host = doubled();
    const { watch, pass, examined, state } = await run(host);
    await watch([HOSTS]);
    host.windows.audit(4688, start('0x1a2c'));
    host.windows.audit(4663, access());
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
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
    const { watch, pass, examined } = await run(host);
    await watch([HOSTS]);
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
    await pass(3_000);
    expect(examined()[0]?.by.presence?.actor).toEqual({
      state: 'unknown',
      reason: 'no audit record for this change: auditing of the file is off',
    });
  });

  it('R208 where files are not audited the log is not asked, and status says what to turn on', async () => {
    const host = doubled();
    host.windows.policy = { ...host.windows.policy, files: false };
    const { watch, pass, examined, state } = await run(host);
    await watch([HOSTS]);
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
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
    const { watch, pass, examined, state } = await run(host);
    await watch([HOSTS]);
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
    await pass(3_000);
    expect(examined()[0]?.by.presence?.actor).toEqual({
      state: 'unknown',
      reason: 'the Security log could not be read',
    });
    expect(state()?.problems).toMatchObject([{ code: 'FIM_NO_ACTOR' }]);
    host.windows.exitCode = 0;
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
    await pass(3_000);
    expect(state()?.problems).toEqual([]);
  });

  it('the canary is heard at once, whatever case it is told in', async () => {
    const host = doubled();
    const { watch, pass, state, examined } = await run(host);
    const begun = host.windows.timers.now();
    await watch([HOSTS]);
    await pass(130_000);
    expect(state()?.problems).toEqual([]);
    expect(Date.parse(state()?.fim?.canarySeenAt ?? '')).toBeGreaterThanOrEqual(begun + 60_000);
    expect(examined()).toEqual([]);
  });

  it('R199 R208 what happened while the agent was off is found from where the journal was read to', async () => {
    const host = doubled();
    const before = await run(host);
    await before.watch([HOSTS]);
    await before.pass(200_000);
    await before.sensor.end(0);
    const off = host.windows.timers.now() + 3_600_000;
    host.windows.timers.pass(3_600_000);
    host.windows.audit(4663, access({ ObjectName: 'C:\\Watched\\away' }));
    host.drive.write({ parent: 5n, name: 'away', at: off, reason: 0x8000_0002 });
    host.windows.timers.pass(3_600_000);
    const { watch, pass, examined, of } = await run(host);
    await watch([HOSTS]);
    await pass(3_000);
    expect(examined()).toMatchObject([{ path: 'C:\\Watched\\away', at: off, late: true }]);
    expect(examined()[0]?.by.content?.actor).toMatchObject({ state: 'known', process: { pid: 0x1a2c } });
    expect(of('lost')).toEqual([]);
  });

  it('R208 another journal has the rules of its drive walked, and is read from then on', async () => {
    const host = doubled();
    const before = await run(host);
    await before.watch([HOSTS]);
    await before.pass(200_000);
    await before.sensor.end(0);
    host.drive.exchange();
    const { watch, pass, examined, of } = await run(host);
    await watch([HOSTS]);
    expect(of('lost')).toEqual([
      { kind: 'lost', lost: { reason: 'restart', below: ['C:\\Watched', CANARY] } },
    ]);
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
    await pass(3_000);
    expect(examined()).toMatchObject([{ path: 'C:\\Watched\\hosts' }]);
  });

  it('R208 places that can not be read begin anew, without an error', async () => {
    writeFileSync(join(dataDir, 'places.json'), '{"version":1,"journals":{"C":{"journal":"x"}}}');
    const host = doubled();
    const { watch, pass, examined, of } = await run(host);
    await watch([HOSTS]);
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
    await pass(3_000);
    expect(examined()).toHaveLength(1);
    expect(of('lost')).toEqual([]);
  });

  it('R208 other rules at run time are followed, on other drives too', async () => {
    const host = doubled();
    const data = new DoubledDrive().directory(9n, 'D:\\Data');
    host.windows.drives.set('D', data);
    const { watch, pass, examined, state } = await run(host);
    await watch([HOSTS]);
    data.write({ parent: 9n, name: 'early', at: 0, reason: WRITE });
    await watch([rule('data', { kind: 'directory', path: 'D:\\Data' })]);
    data.write({ parent: 9n, name: 'a', at: host.windows.timers.now(), reason: WRITE });
    host.drive.write({ parent: 5n, name: 'hosts', at: host.windows.timers.now(), reason: WRITE });
    await pass(3_000);
    expect(examined().map(({ path }) => path)).toEqual(['D:\\Data\\a']);
    expect(state()?.fim?.mounts.map(({ mount }) => mount)).toEqual(['C:\\', 'D:\\']);
  });

  it('R208 without the rights for volumes the file watcher takes over, and the reason shows', async () => {
    const host = doubled();
    host.windows.forbid();
    const { watch, state } = await run(host);
    await watch([HOSTS]);
    await settle();
    expect(state()?.problems[0]).toMatchObject({
      code: 'FIM_NO_ACTOR',
      text: expect.stringContaining("change journal: the volume C: can't be opened: error 5") as string,
    });
  });
});

describe('the processes of Windows, through the sensor', () => {
  it('R201 R208 4688 and 4689 become events by the rules, those of an end with what the start said', async () => {
    const host = doubled();
    const { watch, pass, appended, state } = await run(host);
    await watch(null, [STARTS]);
    await pass(6_000);
    host.windows.audit(4688, start('0x20'));
    host.windows.audit(4689, { ProcessId: '0x20', ProcessName: NOTEPAD, Status: '0x1' });
    await pass(6_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'process_started', provider: 'security log' },
        rule: { id: 'starts' },
        process: { pid: 0x20, command_line: 'notepad.exe /a', parent: { pid: 0x10 } },
      },
      {
        event: { action: 'process_ended' },
        process: { pid: 0x20, command_line: 'notepad.exe /a', exit_code: 1 },
      },
    ]);
    expect(state()).toMatchObject({ edr: { method: 'security log', lost: 0 }, problems: [] });
  });

  it('the commands that read the log are no events, whoever else starts them is one', async () => {
    const host = doubled();
    const { watch, pass, appended } = await run(host);
    await watch(null, [STARTS]);
    await pass(6_000);
    const reader = { NewProcessName: 'C:\\Windows\\System32\\wevtutil.exe' };
    const sensor = `0x${(4_242).toString(16)}`;
    host.windows.audit(4688, start('0x20', { ...reader, ProcessId: sensor }));
    const conhost = { NewProcessName: 'C:\\Windows\\System32\\conhost.exe', ProcessId: '0x20' };
    host.windows.audit(4688, start('0x24', conhost));
    host.windows.audit(4689, { ProcessId: '0x24', ProcessName: conhost.NewProcessName });
    host.windows.audit(4689, { ProcessId: '0x20', ProcessName: reader.NewProcessName });
    host.windows.audit(4688, start('0x28', reader));
    host.windows.audit(4688, start('0x2c', { ProcessId: sensor }));
    await pass(6_000);
    expect(appended().map((event) => ('process' in event ? event.process?.pid : 0))).toEqual([0x28, 0x2c]);
  });

  it('R201 where starts are not audited the state says what to turn on', async () => {
    const host = doubled();
    host.windows.policy = { ...host.windows.policy, starts: false, ends: false };
    const { watch, pass, state } = await run(host);
    await watch(null, [STARTS]);
    await pass(1_000);
    expect(state()?.problems).toEqual([
      {
        code: 'EDR_INCOMPLETE',
        text: 'not audited on this host: turn on "Process Creation" and "Process Termination" (Success) in the advanced audit policy',
      },
    ]);
    await watch(null, []);
    await pass(1_000);
    expect(state()?.problems).toEqual([]);
  });

  it('R201 a program that appears in a folder of the rules is one, with the actor from the log', async () => {
    const host = doubled();
    host.windows.files.set('C:\\Watched\\tool.exe', { begins: 'MZ', size: 2, mtimeMs: 0 });
    const { watch, pass, appended, examined } = await run(host);
    const params = { severity: 'high', paths: ['C:\\Watched'] };
    await watch(null, [{ id: 'drops', table: 'dropped_executables', params }]);
    host.windows.audit(4663, access({ ObjectName: 'C:\\Watched\\tool.exe' }));
    host.drive.write({ parent: 5n, name: 'tool.exe', at: host.windows.timers.now(), reason: WRITE });
    await pass(5_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'executable_dropped' },
        file: { path: 'C:\\Watched\\tool.exe' },
        process: { executable: NOTEPAD },
      },
    ]);
    expect(examined()).toEqual([]);
  });

  it('tables that nothing tells of here are named', async () => {
    const { watch, state } = await run(doubled());
    await watch(null, [{ id: 'listen', table: 'listener_events', params: { severity: 'low' } }]);
    expect(state()?.problems).toEqual([
      { code: 'EDR_INCOMPLETE', text: 'not followed: listen: not there on Windows yet' },
    ]);
  });

  it('R207 what happened before the module was on is no event, what happened in a short break is', async () => {
    const host = doubled();
    host.windows.audit(4688, start('0x20'));
    host.windows.timers.pass(1_000);
    const first = await run(host);
    await first.watch(null, [STARTS]);
    await first.pass(6_000);
    expect(first.appended()).toEqual([]);
    await first.sensor.end(0);
    host.windows.timers.pass(30_000);
    host.windows.audit(4688, start('0x24'));
    const second = await run(host);
    await second.watch(null, [STARTS]);
    await second.pass(6_000);
    expect(second.appended()).toMatchObject([{ process: { pid: 0x24 } }]);
    await second.watch(null, null);
    await second.sensor.end(0);
    host.windows.audit(4688, start('0x28'));
    host.windows.timers.pass(1_000);
    const third = await run(host);
    await third.watch(null, [STARTS]);
    await third.pass(6_000);
    expect(third.appended()).toEqual([]);
  });

  it('R208 records that were gone before they were read are told as lost', async () => {
    const host = doubled();
    writeFileSync(
      join(dataDir, 'places.json'),
      JSON.stringify({ version: 1, journals: {}, log: 400, processes: null }),
    );
    host.windows.audit(4688, start('0x20'));
    host.windows.timers.pass(1_000);
    const { watch, pass, appended, state } = await run(host);
    await watch(null, [STARTS]);
    await pass(6_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'events_lost' },
        wayfarer: { reason: 'the Security log has overwritten records that were not read: 100' },
      },
    ]);
    expect(state()).toMatchObject({ edr: { lost: 100 }, problems: [{ code: 'EDR_LOST' }] });
  });
});

describe('the registry of Windows, through the sensor', () => {
  it('R199 R206 a value that is set below a key of a rule becomes an event, with its data where that is wanted', async () => {
    const host = doubled();
    const { watch, pass, appended, state, of } = await run(host);
    await watch([HOSTS, RUN]);
    await pass(6_000);
    host.windows.audit(4657, value());
    host.windows.audit(4657, value({ ObjectName: '\\REGISTRY\\MACHINE\\SOFTWARE\\Other' }));
    await pass(6_000);
    expect(appended()).toMatchObject([
      {
        event: { module: 'fim', category: ['registry'], action: 'updated', type: ['change'] },
        rule: { id: 'run' },
        file: { path: 'HKLM\\SOFTWARE\\Run\\Updater', type: 'registry' },
        registry: {
          hive: 'HKLM',
          key: 'SOFTWARE\\Run',
          value: 'Updater',
          data: { strings: ['C:\\new.exe'] },
        },
        wayfarer: { detected: 'live', actor: { state: 'known', process: { executable: NOTEPAD } } },
      },
    ]);
    expect(of('rules')[0]?.rules.map(({ id }) => id)).toEqual(['etc']);
    expect(state()?.fim?.rules).toMatchObject([
      { id: 'etc' },
      { id: 'run', state: 'watching', path: 'HKLM\\SOFTWARE\\Run' },
    ]);
  });

  it('R206 rules on keys alone need no source of files, and say where values are not audited', async () => {
    const host = doubled();
    host.windows.policy = { ...host.windows.policy, registry: false };
    const { watch, state } = await run(host);
    await watch([RUN]);
    expect(state()?.fim?.rules).toMatchObject([{ id: 'run', state: 'unreadable' }]);
    expect(state()?.problems).toEqual([
      {
        code: 'FIM_INCOMPLETE',
        text: 'rule run: values are not audited: turn on "Registry" (Success) in the advanced audit policy',
      },
    ]);
  });

  it('R201 keys of the process rules are events of theirs', async () => {
    const host = doubled();
    const { watch, pass, appended } = await run(host);
    const params = { severity: 'high', keys: ['HKLM\\SOFTWARE\\Run'] };
    await watch(null, [{ id: 'keys', table: 'registry_events', params }]);
    await pass(6_000);
    host.windows.audit(4657, value());
    await pass(6_000);
    expect(appended()).toMatchObject([{ event: { module: 'edr', action: 'registry_value_set' } }]);
  });
});
