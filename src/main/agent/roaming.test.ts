import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENDED, type Failure } from '../uplink/failure.ts';
import { lost } from './testing/fake-platform.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

/** Makes every exchange fail as without a network. */
function cut(): void {
  for (const call of ['provision', 'heartbeat', 'openUpload', 'acknowledge', 'syncCheck'] as const) {
    rig.platform.twist(call, ...Array.from({ length: 500 }, () => ({ fail: lost })));
  }
}

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
    cut();
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

describe('a network that changes', () => {
  /** Long enough without an answer for pauses of a quarter of an hour. */
  async function longCut(): Promise<void> {
    cut();
    await rig.pass(5 * 60 * MINUTE);
    rig.platform.straighten();
    rig.platform.calls.length = 0;
  }

  it('R007 brings the missed heartbeat at once, over a connection of its own (rule 9)', async () => {
    await longCut();
    const before = rig.reconnects;
    await rig.pass(1_000);
    expect(rig.platform.of('heartbeat')).toEqual([]);
    rig.network.change({ gateways: ['198.51.100.1'] });
    await rig.settle();
    expect(rig.platform.of('heartbeat')).toHaveLength(1);
    expect(rig.reconnects).toBe(before + 1);
    expect(rig.conditions).toEqual([]);
  });

  it('R007 costs seconds, not another quarter of an hour, where the first attempt comes before the name server', async () => {
    cut();
    await rig.pass(5 * 60 * MINUTE);
    rig.network.change({ gateways: ['198.51.100.1'] });
    await rig.settle();
    rig.platform.straighten();
    rig.platform.calls.length = 0;
    await rig.pass(10_000);
    expect(rig.platform.of('heartbeat')).toHaveLength(1);
    expect(rig.conditions).toEqual([]);
  });

  it('is one of the host waking up as well', async () => {
    await longCut();
    rig.network.listener?.resumed();
    await rig.settle();
    expect(rig.platform.of('heartbeat')).toHaveLength(1);
  });

  it('R258 is one of the proxy settings as well', async () => {
    await longCut();
    rig.changeProxies();
    await rig.settle();
    expect(rig.platform.of('heartbeat')).toHaveLength(1);
    expect(rig.lines.join('\n')).toContain('the proxy settings changed');
  });

  it('does not hurry an exchange that is not due', async () => {
    rig.platform.calls.length = 0;
    rig.network.change({ gateways: ['198.51.100.1'] });
    await rig.settle();
    expect(rig.platform.calls).toEqual([]);
  });

  it('shows as no network rather than as a platform that is silent', async () => {
    cut();
    rig.network.change({ online: false, addresses: [] });
    await rig.pass(60 * MINUTE);
    expect(rig.conditions).toEqual(['NO_NETWORK']);
    expect(rig.status.network).toEqual({ online: false, metered: false });
    rig.platform.straighten();
    rig.network.change({ online: true });
    await rig.settle();
    expect(rig.conditions).toEqual([]);
  });

  it('is called unstable while it keeps changing', async () => {
    rig.network.listener?.unstable({ count: 40, seconds: 60, pause: 30 });
    await rig.settle();
    expect(rig.conditions).toEqual(['NETWORK_UNSTABLE']);
    expect(rig.status.conditions[0]?.text).toContain('40 times within 60 s');
    rig.network.listener?.stable();
    await rig.settle();
    expect(rig.conditions).toEqual([]);
  });

  it("makes an exchange that it ended again at once, and takes it for nobody's failure", async () => {
    const ended: Failure = { kind: 'transport', code: ENDED, reason: 'the connection was reset' };
    for (const call of ['heartbeat', 'openUpload', 'putChunk', 'acknowledge'] as const) {
      rig.platform.twist(call, { fail: ended });
    }
    rig.collector.host.set('Inventory', [deb('bash', 2)]);
    rig.core.requestCycle({});
    await rig.pass(16 * MINUTE);
    expect(rig.inSync()).toBe(true);
    expect(rig.facts.uplink.failures).toBe(0);
    expect(rig.events.filter((event) => event.name === 'condition')).toEqual([]);
  });

  it('that wants a sign-in is tried once a minute, since nothing on the host tells when a person has signed in', async () => {
    const portal: Failure = { kind: 'portal', suspected: false, evidence: 'a page answers' };
    rig.platform.twist('heartbeat', ...Array.from({ length: 500 }, () => ({ fail: portal })));
    await rig.pass(3 * 60 * MINUTE);
    expect(rig.conditions).toEqual(['CAPTIVE_PORTAL']);
    rig.platform.straighten();
    rig.platform.calls.length = 0;
    await rig.pass(MINUTE);
    expect(rig.platform.of('heartbeat').length).toBeGreaterThan(0);
    expect(rig.conditions).toEqual([]);
  });

  it('is not followed any more once the agent has ended', async () => {
    await rig.stop();
    expect(rig.network.listener).toBeUndefined();
    rig.changeProxies();
    expect(rig.reconnects).toBe(0);
  });
});

describe('a metered network', () => {
  it('lets an upload above the limit wait, says so, and lets it go on another network', async () => {
    const before = rig.platform.of('putChunk').length;
    await rig.stop();
    rig.settings = { ...rig.settings, meteredUploadLimitMb: 0 };
    rig.network.now = { ...rig.network.now, metered: true };
    await rig.start();
    rig.collector.host.set('Inventory', [deb('bash', 2)]);
    rig.core.requestCycle({});
    await rig.pass(MINUTE);
    expect(rig.conditions).toEqual(['METERED_WAIT']);
    expect(rig.status.conditions[0]?.text).toContain('above the limit of 0 MB');
    expect(rig.platform.of('putChunk')).toHaveLength(before);
    rig.network.change({ metered: false });
    await rig.pass(10 * MINUTE);
    expect(rig.conditions).toEqual([]);
    expect(rig.inSync()).toBe(true);
  });
});
