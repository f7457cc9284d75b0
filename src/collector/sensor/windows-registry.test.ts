import { describe, expect, it } from 'vitest';
import { doubled, NOTEPAD, RUN, runOnWindows, separateHosts, value } from './testing/windows-sensor.ts';

const KEY = 'HKLM\\SOFTWARE\\Run';
/** Past the next look, where nothing is audited any more. */
const NEXT_LOOK_MS = 660_000;

separateHosts();

describe('values of the Windows registry between looks, through the sensor', () => {
  it('R206 R207 what nobody told of while the agent was off is told once, as found by comparison', async () => {
    const host = doubled();
    host.windows.registry.set(KEY, 'Updater', 'C:\\old.exe');
    const first = await runOnWindows(host);
    await first.watch([RUN]);
    await first.pass(1_000);
    await first.sensor.end(0);
    host.windows.registry.set(KEY, 'Updater', 'C:\\new.exe');
    const second = await runOnWindows(host);
    await second.watch([RUN]);
    await second.pass(5_000);
    expect(second.appended()).toMatchObject([
      {
        event: { action: 'updated', provider: 'walk' },
        file: { path: `${KEY}\\Updater`, type: 'registry' },
        registry: { data: { strings: ['C:\\new.exe'] } },
        wayfarer: { detected: 'baseline', actor: { state: 'unknown' } },
      },
    ]);
    host.windows.policy = { ...host.windows.policy, registry: false };
    await second.pass(NEXT_LOOK_MS);
    expect([first.appended().length, second.appended().length]).toEqual([0, 1]);
  });

  it('R206 R208 what the log tells is told by the log alone, with its actor, also of the time while the agent was off', async () => {
    const host = doubled();
    host.windows.registry.set(KEY, 'Updater', 'C:\\a.exe').set(KEY, 'Other', 'a');
    const first = await runOnWindows(host);
    await first.watch([RUN]);
    await first.pass(6_000);
    host.windows.registry.set(KEY, 'Updater', 'C:\\old.exe');
    host.windows.audit(4657, value());
    await first.pass(6_000);
    host.windows.policy = { ...host.windows.policy, registry: false };
    await first.pass(NEXT_LOOK_MS);
    expect(first.appended()).toMatchObject([{ wayfarer: { actor: { process: { executable: NOTEPAD } } } }]);
    await first.sensor.end(0);
    host.windows.registry.set(KEY, 'Updater', 'C:\\new.exe').set(KEY, 'Other', 'b');
    host.windows.policy = { ...host.windows.policy, registry: true };
    host.windows.audit(4657, value());
    host.windows.timers.pass(1_000);
    const second = await runOnWindows(host);
    await second.watch([RUN]);
    await second.pass(6_000);
    const told = second.appended().map((event) => ('file' in event ? event.file?.path : ''));
    expect(told.toSorted()).toEqual([`${KEY}\\Other`, `${KEY}\\Updater`]);
    expect(second.appended().find(({ event }) => event.provider === 'security log')?.wayfarer).toMatchObject({
      detected: 'baseline',
      actor: { state: 'known' },
    });
  });

  it('R206 keys that can not be read are named with their rule', async () => {
    const host = doubled();
    host.windows.registry.set(`${KEY}\\Shut`, 'v', 'a').denied.add(`${KEY}\\Shut`.toLowerCase());
    const { watch, pass, state } = await runOnWindows(host);
    await watch([RUN]);
    await pass(3_000);
    expect(state()?.problems).toEqual([
      {
        code: 'FIM_INCOMPLETE',
        text: "rule run: one key can't be read, HKLM\\SOFTWARE\\Run\\Shut: access is denied",
      },
    ]);
  });

  it('R208 while values are not audited they are compared every ten minutes, by the same rules no sooner', async () => {
    const host = doubled();
    host.windows.policy = { ...host.windows.policy, registry: false };
    host.windows.registry.set(KEY, 'Updater', 'C:\\old.exe');
    const { watch, pass, appended } = await runOnWindows(host);
    await watch([RUN]);
    await pass(1_000);
    host.windows.registry.set(KEY, 'Updater', 'C:\\new.exe');
    await watch([RUN]);
    await pass(595_000);
    expect(appended()).toEqual([]);
    await pass(10_000);
    expect(appended()).toMatchObject([{ wayfarer: { detected: 'rescan' } }]);
  });
});
