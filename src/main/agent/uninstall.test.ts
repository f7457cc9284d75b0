import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refusal } from './testing/fake-platform.ts';
import { DAY, MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  await rig.start();
});
afterEach(() => rig.dispose());

const calls = (): number => rig.platform.calls.length;

describe('being removed by the platform', () => {
  it('R116 happens at the next heartbeat, is acknowledged, and leaves nothing collected behind', async () => {
    const hostId = rig.status.identity.hostId ?? '';
    const command = rig.platform.command('UNINSTALL');
    expect(rig.facts.uninstalled).toBe(false);
    await rig.pass(15 * MINUTE);
    const acknowledged = [...rig.platform.records.values()].filter((record) => record.kind === 'command');
    expect(acknowledged).toMatchObject([{ commandId: command.id, result: 'DONE' }]);
    expect(rig.core.context.store.snapshots.states()).toEqual([]);
    expect(rig.conditions).toContain('UNINSTALLED');
    expect(readFileSync(rig.paths.hostIdFile, 'utf8')).toBe(`${hostId}\n`);
  });

  it('R116 is for good: nothing is sent or collected afterwards, restarts included', async () => {
    rig.platform.command('UNINSTALL');
    await rig.pass(15 * MINUTE);
    const before = calls();
    await rig.pass(2 * DAY);
    await rig.stop();
    await rig.start();
    await rig.pass(DAY);
    expect(calls()).toBe(before);
    expect(rig.status.phase).toBe('not provisioned');
    expect(rig.conditions).toContain('UNINSTALLED');
    expect(existsSync(rig.paths.hostIdFile)).toBe(true);
  });

  it('R116 is finished after a kill in the middle of it', async () => {
    rig.platform.command('UNINSTALL');
    let answer: () => void = () => undefined;
    const wait = new Promise<void>((resolve) => {
      answer = resolve;
    });
    rig.platform.twist('acknowledge', { wait });
    rig.clock.jumpTo(rig.clock.now() + 15 * MINUTE);
    await rig.until(() => rig.facts.exchanging === 'uninstall');
    expect(rig.core.context.store.snapshots.states()).not.toEqual([]);
    const killed = rig.kill();
    answer();
    await killed;
    await rig.start();
    expect(rig.facts.uninstalled).toBe(true);
    expect(rig.core.context.store.snapshots.states()).toEqual([]);
  });

  it('follows from 410 as from the command', async () => {
    rig.platform.twist('heartbeat', { fail: refusal(410, 'AGENT_UNINSTALLED') });
    await rig.pass(15 * MINUTE);
    expect(rig.facts.uninstalled).toBe(true);
    expect(rig.core.context.store.snapshots.states()).toEqual([]);
  });
});
