import { describe, expect, it } from 'vitest';
import { clockStepped } from './clock-step.ts';
import { emptyStream, type LogsFacts } from './facts.ts';
import { plan } from './plan.ts';
import { NOW, pendingOf, restingFacts, syncedType } from './testing/facts.ts';

const logsOf = (nextStepAt: number): LogsFacts => ({
  command: { id: 'c', type: 'COLLECT_LOGS' },
  terms: null,
  held: null,
  nextStepAt,
  failures: 1,
});

const waiting = { ...emptyStream, bytes: 1, waitingSince: NOW - 5, notBefore: NOW + 2 };

describe('facts after the clock was set', () => {
  it('lead to the same plan as before, moved by the step', () => {
    const request = { reason: 'change', notBefore: NOW + 50 } as const;
    const facts = [
      restingFacts(),
      restingFacts({ provisioned: false, provisioning: { failures: 1, nextAt: NOW + 5 } }),
      restingFacts({ uplink: { failures: 1, nextAt: NOW + 6 } }),
      restingFacts({ pausedUntil: NOW + 7, diskNotBefore: NOW + 8 }),
      restingFacts({ pending: pendingOf({ nextStepAt: NOW + 9 }) }),
      restingFacts({ logs: logsOf(NOW + 11) }),
      restingFacts({ activeTypes: ['Inventory', 'FIM'], streams: { fim: waiting, edr: emptyStream } }),
      restingFacts({ profileOffered: 2, documentsNotBefore: { profile: NOW + 10 } }),
      restingFacts({ types: { Inventory: syncedType(0, { requested: request, serving: request }) } }),
      restingFacts({ lastHeartbeatAt: null, lastSyncCheckAt: NOW - 86_399_999, heartbeatWanted: false }),
    ];
    for (const before of facts) {
      for (const step of [-86_400_000, 3_600_000]) {
        const { wakeAt, ...rest } = plan(before, NOW);
        const after = plan(clockStepped(before, step), NOW + step);
        expect(after).toEqual({ ...rest, wakeAt: wakeAt === null ? null : wakeAt + step });
      }
    }
  });

  it('have no moment still where they had none', () => {
    const never = { startedAt: null, cycleEndedAt: null, requested: null, serving: null };
    const types = { Inventory: syncedType(0, never) };
    const after = clockStepped(restingFacts({ lastHeartbeatAt: null, lastSyncCheckAt: null, types }), 5);
    expect(after).toMatchObject({ lastHeartbeatAt: null, lastSyncCheckAt: null, pending: null });
    expect(after.types.Inventory).toMatchObject(never);
  });

  it('hold what a platform asked to wait for as long as before', () => {
    const held = { failures: 1, nextAt: NOW + 60, heldUntil: NOW + 60 };
    expect(clockStepped(restingFacts({ uplink: held }), -5).uplink).toEqual({
      failures: 1,
      nextAt: NOW + 55,
      heldUntil: NOW + 55,
    });
  });

  it('tell people the same moments', () => {
    const facts = restingFacts({ types: { Inventory: syncedType(0, { collectedAt: NOW, startedAt: NOW }) } });
    const after = clockStepped(facts, -5).types.Inventory;
    expect(after).toMatchObject({
      uploadedAt: NOW,
      collectedAt: NOW,
      startedAt: NOW - 5,
      cycleEndedAt: NOW - 5,
    });
  });
});
