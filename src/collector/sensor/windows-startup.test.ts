import { describe, expect, it } from 'vitest';
import { doubled, runOnWindows, separateHosts } from './testing/windows-sensor.ts';

const RUN = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run';
const STARTUP = { id: 'startup', table: 'startup_events', params: { severity: 'high' } };

const runKey = (name: string, command: string) => ({
  ...{ name, command, user: null, approved: null },
  location: `HKLM\\${RUN}`,
});

separateHosts();

describe('what starts programs on Windows, through the sensor', () => {
  it('R201 becomes an event soon after the key has told of a change, without secrets of its command line', async () => {
    const host = doubled();
    host.windows.startup = [runKey('Old', 'C:\\old.exe')];
    host.windows.registry.set(`HKLM\\${RUN}`, 'Old', 'C:\\old.exe');
    const { watch, pass, appended, state } = await runOnWindows(host);
    await watch(null, [STARTUP]);
    await pass(1_000);
    host.windows.startup = [...host.windows.startup, runKey('New', 'C:\\new.exe --password=hunter2')];
    host.windows.registry.set(`HKLM\\${RUN}`, 'New', 'C:\\new.exe');
    await pass(70_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'startup_item_added', provider: 'comparison' },
        rule: { id: 'startup' },
        file: { path: `HKLM\\${RUN}` },
        wayfarer: { severity: 'high', item: 'New: C:\\new.exe --password=[redacted]' },
      },
    ]);
    expect(state()?.problems).toEqual([]);
  });

  it('R201 R207 is told with the reason where it came while the agent was off, and no more once nobody asks', async () => {
    const host = doubled();
    host.windows.startup = [];
    const first = await runOnWindows(host);
    await first.watch(null, [STARTUP]);
    await first.pass(1_000);
    await first.sensor.end(0);
    host.windows.startup = [runKey('New', 'C:\\new.exe')];
    const second = await runOnWindows(host);
    await second.watch(null, [STARTUP]);
    await second.pass(1_000);
    expect(second.appended()).toMatchObject([{ wayfarer: { reason: 'while the agent was not running' } }]);
    await second.watch(null, []);
    host.windows.startup = [runKey('Newer', 'C:\\newer.exe')];
    await second.pass(3_700_000);
    expect(second.appended()).toHaveLength(1);
  });
});
