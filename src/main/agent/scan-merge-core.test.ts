import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { StatusRequest } from '../../shared/wire.ts';
import { lost } from './testing/fake-platform.ts';
import { MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  await rig.start();
});
afterEach(() => rig.dispose());

/** Gives the agent a profile with these settings. */
async function apply(settings: object): Promise<void> {
  rig.platform.profile = { ...rig.platform.profile, ...settings };
  rig.platform.profileVersion += 1;
  await rig.pass(31 * MINUTE);
}

const lastHeartbeat = () => rig.platform.of('heartbeat').at(-1)?.body as StatusRequest;

describe('scan merge in the agent', () => {
  it('R270 names the identifier in heartbeats and shows the very same, only while the profile asks for it', async () => {
    expect(lastHeartbeat().correlationId).toBeUndefined();
    expect(rig.status.scanMerge.state).toBe('off');
    await apply({ scanMergeEnabled: true });
    expect(rig.status.scanMerge).toEqual({
      state: 'listening',
      ports: [10001],
      reason: 'the lowest port of the list',
    });
    const shown = rig.agentId.started.at(-1)?.correlationId;
    expect(lastHeartbeat().correlationId).toBe(shown);
    expect(JSON.stringify(rig.status)).not.toContain(shown);
    expect(JSON.stringify(lastHeartbeat()).length).toBeLessThan(700);
    await apply({ scanMergeEnabled: false });
    expect(lastHeartbeat().correlationId).toBeUndefined();
    expect(rig.agentId.alive.size).toBe(0);
  });

  it('shows nothing while no heartbeat that names the identifier gets through', async () => {
    rig.platform.profile = { ...rig.platform.profile, scanMergeEnabled: true };
    rig.platform.profileVersion += 1;
    for (let n = 0; n < 31 && !rig.facts.profile.scanMergeEnabled; n += 1) await rig.pass(MINUTE);
    rig.platform.twist('heartbeat', ...Array.from({ length: 100 }, () => ({ fail: lost })));
    await rig.pass(31 * MINUTE);
    expect(lastHeartbeat().correlationId).toBeDefined();
    expect(rig.agentId.started).toEqual([]);
    expect(rig.status.scanMerge.reason).toBe('no heartbeat has named the identifier yet');
    rig.platform.straighten();
    await rig.pass(31 * MINUTE);
    expect(rig.status.scanMerge.state).toBe('listening');
  });

  it('R275 follows every change of network', async () => {
    await apply({ scanMergeEnabled: true, onPremise: { ipRange: '0.0.0.0/0', gateway: '10.0.0.1' } });
    expect(rig.status.scanMerge.state).toBe('not on premise');
    rig.network.change({ gateways: ['10.0.0.1'] });
    await rig.settle();
    expect(rig.status.scanMerge.state).toBe('listening');
    rig.network.change({ gateways: ['192.168.1.1'] });
    await rig.settle();
    expect(rig.status.scanMerge.state).toBe('not on premise');
    expect(rig.agentId.alive.size).toBe(0);
  });

  it('shows a condition while no port is free, and takes it back', async () => {
    rig.agentId.report = () => ({ kind: 'no port', taken: [{ port: 10001, code: 'EADDRINUSE' }] });
    await apply({ scanMergeEnabled: true, scanMergePorts: [10001] });
    const shown = rig.status.conditions.find(({ code }) => code === 'SCAN_MERGE');
    expect(shown?.text).toContain('none of the ports 10001 (EADDRINUSE) is free. Next: free one of them');
    rig.agentId.report = () => ({ kind: 'listening', ports: [10001], taken: [] });
    await rig.pass(MINUTE);
    expect(rig.conditions).not.toContain('SCAN_MERGE');
  });

  it('keeps the identifier over a restart, and takes another one with another Host ID', async () => {
    await apply({ scanMergeEnabled: true });
    const first = lastHeartbeat().correlationId;
    await rig.stop();
    await rig.start();
    expect(lastHeartbeat().correlationId).toBe(first);
    expect(rig.agentId.started.at(-1)?.correlationId).toBe(first);
    rig.platform.command('REPROVISION');
    await rig.pass(31 * MINUTE);
    expect(lastHeartbeat().correlationId).not.toBe(first);
    expect(rig.agentId.started.at(-1)?.correlationId).toBe(lastHeartbeat().correlationId);
    expect(rig.agentId.alive.size).toBe(1);
  });

  it('R116 ends the process and forgets the identifier when the platform removes the agent', async () => {
    await apply({ scanMergeEnabled: true });
    expect(rig.core.context.store.kv.get('correlation', z.object({}))).toBeDefined();
    rig.platform.command('UNINSTALL');
    await rig.pass(16 * MINUTE);
    expect(rig.conditions).toContain('UNINSTALLED');
    expect(rig.agentId.alive.size).toBe(0);
    expect(rig.core.context.store.kv.get('correlation', z.object({}))).toBeUndefined();
  });

  it('ends the process with the agent', async () => {
    await apply({ scanMergeEnabled: true });
    expect(rig.agentId.alive.size).toBe(1);
    await rig.stop();
    expect(rig.agentId.alive.size).toBe(0);
  });
});
