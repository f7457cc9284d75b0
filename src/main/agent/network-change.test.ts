import { describe, expect, it } from 'vitest';
import { reachAgain, waitsForUnmetered } from './network-change.ts';
import { plan } from './plan.ts';
import { NOW, pendingOf, restingFacts } from './testing/facts.ts';

const HOUR = 3_600_000;
const after = (facts: ReturnType<typeof restingFacts>) => ({ ...facts, ...reachAgain(facts, NOW) });

describe('another network, or waking up', () => {
  it('R007 makes the missed heartbeat due at once (rule 9)', () => {
    const facts = restingFacts({ heartbeatWanted: true, uplink: { failures: 9, nextAt: NOW + HOUR } });
    expect(plan(facts, NOW).uplink).toBeNull();
    expect(plan(after(facts), NOW).uplink).toEqual({ step: 'heartbeat' });
  });

  it('tries to register again at once where no platform had answered', () => {
    const facts = restingFacts({ provisioned: false, provisioning: { failures: 9, nextAt: NOW + HOUR } });
    expect(plan(after(facts), NOW).uplink).toEqual({ step: 'provision' });
  });

  it('R094 does not ask a platform again that refused to register this host', () => {
    const provisioning = { failures: 2, nextAt: NOW + HOUR, heldUntil: NOW + HOUR };
    const facts = restingFacts({ provisioned: false, provisioning });
    expect(plan(after(facts), NOW)).toMatchObject({ uplink: null, wakeAt: NOW + HOUR });
  });

  it('R008 goes on with an upload that had failed, where it stopped', () => {
    const pending = pendingOf({ chunksSent: 2, failures: 5, nextStepAt: NOW + HOUR });
    const facts = restingFacts({ pending, uplink: { failures: 5, nextAt: NOW + HOUR } });
    expect(after(facts).pending).toEqual({ ...pending, failures: 0, nextStepAt: NOW });
    expect(plan(after(facts), NOW).uplink).toEqual({ step: 'upload' });
  });

  it('keeps an upload back as long as the platform asked to wait', () => {
    const pending = pendingOf({ failures: 1, nextStepAt: NOW + HOUR });
    const uplink = { failures: 1, nextAt: NOW + 60_000, heldUntil: NOW + 60_000 };
    expect(after(restingFacts({ pending, uplink })).pending?.nextStepAt).toBe(NOW + 60_000);
  });

  it('R142 leaves the pause between two chunks as it is', () => {
    const pending = pendingOf({ chunksSent: 2, nextStepAt: NOW + 10_000 });
    expect(after(restingFacts({ pending })).pending).toEqual(pending);
    expect(after(restingFacts()).pending).toBeNull();
  });
});

describe('an upload on a metered network', () => {
  const metered = { online: true, metered: true };
  const limit = { meteredLimitBytes: 1_000_000 };

  it('waits when it is above the limit, and only there', () => {
    const large = restingFacts({
      ...limit,
      network: metered,
      pending: pendingOf({ encodedBytes: 1_000_001 }),
    });
    expect(waitsForUnmetered(large)).toBe(true);
    expect(plan(large, NOW)).toMatchObject({ uplink: null });
    const small = restingFacts({
      ...limit,
      network: metered,
      pending: pendingOf({ encodedBytes: 1_000_000 }),
    });
    expect(waitsForUnmetered(small)).toBe(false);
    expect(plan(small, NOW).uplink).toEqual({ step: 'upload' });
    const free = { ...large, network: { online: true, metered: false } };
    expect(plan(free, NOW).uplink).toEqual({ step: 'upload' });
    expect(waitsForUnmetered({ ...large, pending: null })).toBe(false);
  });

  it('lets a small archive of logs pass that a person waits for', () => {
    const terms = { encodedBytes: 1_000, digest: '', chunkBytes: 65_536, idempotencyKey: '' };
    const command = { id: 'c', type: 'COLLECT_LOGS' };
    const logs = { command, terms, held: null, nextStepAt: NOW, failures: 0 };
    const facts = restingFacts({ ...limit, network: metered, pending: pendingOf(), logs });
    expect(plan(facts, NOW).uplink).toEqual({ step: 'logs' });
    const free = { ...facts, network: { online: true, metered: false } };
    expect(plan(free, NOW).uplink).toEqual({ step: 'upload' });
    expect(plan({ ...free, pending: pendingOf({ nextStepAt: NOW + 1 }) }, NOW).uplink).toBeNull();
  });

  it('holds up nothing else: the heartbeat goes when it is due', () => {
    const facts = restingFacts({ ...limit, network: metered, pending: pendingOf(), heartbeatWanted: true });
    expect(plan(facts, NOW).uplink).toEqual({ step: 'heartbeat' });
    expect(plan({ ...facts, heartbeatWanted: false }, NOW).wakeAt).toBe(NOW + 900_000);
  });
});
