import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  access,
  at,
  doubled,
  HOSTS,
  NOTEPAD,
  RUN,
  runOnWindows,
  separateHosts,
  start,
  STARTS,
  value,
  WRITE,
} from './testing/windows-sensor.ts';

separateHosts();

describe('the processes of Windows, through the sensor', () => {
  it('R201 R208 4688 and 4689 become events by the rules, those of an end with what the start said', async () => {
    const host = doubled();
    const { watch, pass, appended, state } = await runOnWindows(host);
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
    const { watch, pass, appended } = await runOnWindows(host);
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
    const { watch, pass, state } = await runOnWindows(host);
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
    const { watch, pass, appended, examined } = await runOnWindows(host);
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

  it('R201 R208 a flood of files is told as lost in one record, so that it pushes nothing out', async () => {
    const host = doubled();
    const { watch, pass, appended } = await runOnWindows(host);
    const params = { severity: 'high', paths: ['C:\\Watched'] };
    await watch(null, [{ id: 'drops', table: 'dropped_executables', params }]);
    for (let at = 0; at < 4_096 + 300; at += 1) {
      const when = host.windows.timers.now();
      host.drive.write({ parent: 5n, name: `${String(at)}.txt`, at: when, reason: WRITE });
    }
    await pass(20_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'events_lost' },
        wayfarer: { reason: 'more programs appeared than could be looked at: 300' },
      },
    ]);
  });

  it("R201 tasks that can't be followed are named", async () => {
    const { watch, state } = await runOnWindows(doubled());
    const tasks = ['no_such_table', 'mutex_events'].map((table) => ({ id: table, table, params: {} }));
    await watch(null, tasks);
    expect(state()?.problems).toMatchObject([{ code: 'EDR_INCOMPLETE' }]);
    expect(state()?.problems[0]?.text).toMatch(
      /^not followed: no_such_table: no table no_such_table of process events; mutex_events: parameters refused: /,
    );
  });

  it('R207 what happened before the module was on is no event, what happened in a short break is', async () => {
    const host = doubled();
    host.windows.audit(4688, start('0x20'));
    host.windows.timers.pass(1_000);
    const first = await runOnWindows(host);
    await first.watch(null, [STARTS]);
    await first.pass(6_000);
    expect(first.appended()).toEqual([]);
    await first.sensor.end(0);
    host.windows.timers.pass(30_000);
    host.windows.audit(4688, start('0x24'));
    const second = await runOnWindows(host);
    await second.watch(null, [STARTS]);
    await second.pass(6_000);
    expect(second.appended()).toMatchObject([{ process: { pid: 0x24 } }]);
    await second.watch(null, null);
    await second.sensor.end(0);
    host.windows.audit(4688, start('0x28'));
    host.windows.timers.pass(1_000);
    const third = await runOnWindows(host);
    await third.watch(null, [STARTS]);
    await third.pass(6_000);
    expect(third.appended()).toEqual([]);
  });

  it('R207 R208 after a kill what may not have been durable is told again, what was told long before is not', async () => {
    const host = doubled();
    const first = await runOnWindows(host);
    await first.watch(null, [STARTS]);
    await first.pass(6_000);
    host.windows.audit(4688, start('0x20'));
    await first.pass(40_000);
    host.windows.audit(4688, start('0x24'));
    await first.pass(10_000);
    expect(first.appended()).toHaveLength(2);
    const second = await runOnWindows(host);
    await second.watch(null, [STARTS]);
    await second.pass(6_000);
    expect(second.appended()).toMatchObject([{ process: { pid: 0x24 } }]);
  });

  it('R207 R208 nothing is missed where the first run ends at once', async () => {
    const host = doubled();
    host.windows.audit(4688, start('0x1c'));
    host.windows.timers.pass(1_000);
    const first = await runOnWindows(host);
    await first.watch(null, [STARTS]);
    await first.pass(6_000);
    host.windows.audit(4688, start('0x20'));
    await first.pass(6_000);
    const second = await runOnWindows(host);
    await second.watch(null, [STARTS]);
    await second.pass(6_000);
    expect(second.appended()).toMatchObject([{ process: { pid: 0x20 } }]);
  });

  it('R208 records that were gone before they were read are told as lost', async () => {
    const host = doubled();
    writeFileSync(
      join(at.dataDir, 'places.json'),
      JSON.stringify({ version: 1, journals: {}, log: 400, processes: null }),
    );
    host.windows.audit(4688, start('0x20'));
    host.windows.timers.pass(1_000);
    const { watch, pass, appended, state } = await runOnWindows(host);
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
    const { watch, pass, appended, state, of } = await runOnWindows(host);
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
    const { watch, state } = await runOnWindows(host);
    await watch([RUN]);
    expect(state()?.fim?.rules).toMatchObject([{ id: 'run', state: 'unreadable' }]);
    expect(state()?.problems).toEqual([
      {
        code: 'FIM_INCOMPLETE',
        text: 'rule run: values are not audited: turn on "Registry" (Success) in the advanced audit policy; until then they are compared every 10 minutes, without actors',
      },
    ]);
  });

  it('R201 keys of the process rules are events of theirs', async () => {
    const host = doubled();
    const { watch, pass, appended } = await runOnWindows(host);
    const params = { severity: 'high', keys: ['HKLM\\SOFTWARE\\Run'] };
    await watch(null, [{ id: 'keys', table: 'registry_events', params }]);
    await pass(6_000);
    host.windows.audit(4657, value());
    await pass(6_000);
    expect(appended()).toMatchObject([{ event: { module: 'edr', action: 'registry_value_set' } }]);
  });

  it('R208 records that are gone are told where only keys are followed, also right before the end', async () => {
    const host = doubled();
    writeFileSync(
      join(at.dataDir, 'places.json'),
      JSON.stringify({ version: 1, journals: {}, log: 400, processes: null }),
    );
    host.windows.audit(4657, value());
    const { watch, pass, appended, sensor } = await runOnWindows(host);
    const params = { severity: 'high', keys: ['HKLM\\SOFTWARE\\Run'] };
    await watch(null, [{ id: 'keys', table: 'registry_events', params }]);
    await pass(500);
    await sensor.end(0);
    expect(appended().map(({ event }) => event.action)).toContain('events_lost');
  });
});
