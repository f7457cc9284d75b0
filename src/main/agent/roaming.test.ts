import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lost } from './testing/fake-platform.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  await rig.start();
});
afterEach(() => rig.dispose());

describe('a laptop that leaves its network', () => {
  it('R007 R008 collects on, and delivers everything under the same Host ID once any network leads to the platform', async () => {
    const hostId = rig.status.identity.hostId;
    const provisioned = rig.platform.of('provision').length;
    for (const call of ['heartbeat', 'openUpload', 'acknowledge', 'syncCheck'] as const) {
      rig.platform.twist(call, ...Array.from({ length: 500 }, () => ({ fail: lost })));
    }
    rig.collector.host.set('Inventory', [deb('bash', 2), deb('curl')]);
    await rig.pass(2 * DAY);
    expect(rig.conditions).toContain('PLATFORM_UNREACHABLE');
    expect(rig.inSync()).toBe(false);
    rig.platform.straighten();
    await rig.pass(30 * MINUTE);
    expect(rig.inSync()).toBe(true);
    expect(rig.conditions).toEqual([]);
    expect(rig.status.identity.hostId).toBe(hostId);
    expect(rig.platform.of('provision')).toHaveLength(provisioned);
  });
});
