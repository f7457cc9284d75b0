import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MANIFEST_TYPES, TYPE_OF_STREAM } from '../../shared/modules.ts';
import { defaultProfile } from '../../shared/profile.ts';
import { type Facts, type StreamFacts, type TypeFacts } from './facts.ts';
import { plan } from './plan.ts';
import { NOW, pendingOf, restingFacts } from './testing/facts.ts';

const DAY = 24 * 3600 * 1000;
const moment = fc.integer({ min: NOW - 2 * DAY, max: NOW + 2 * DAY });
const maybe = <T>(arb: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arb, { nil: null });
const backoff = fc.record({ failures: fc.nat(50), nextAt: moment });
const cycleRequest = fc.record({
  reason: fc.constantFrom('manifest', 'change', 'resync', 'request', 'demand', 'retry', 'refused'),
  notBefore: moment,
});
const type: fc.Arbitrary<TypeFacts> = fc.record({
  manifest: maybe(fc.record({ version: fc.nat(3), tasks: fc.nat(2), tables: fc.constant(['deb']) })),
  seq: fc.nat(3),
  root: maybe(fc.constant('a'.repeat(64))),
  rows: fc.nat(9),
  startedAt: maybe(moment),
  collectedAt: maybe(moment),
  uploadedAt: maybe(moment),
  processedAt: maybe(moment),
  cycleEndedAt: maybe(moment),
  spreadMs: fc.nat(DAY),
  requested: maybe(cycleRequest),
  serving: maybe(cycleRequest),
  failures: fc.nat(9),
  notBefore: fc.oneof(fc.constant(0), moment),
  demand: maybe(
    fc.record({
      controlId: fc.uuid(),
      origin: fc.constantFrom('user', 'platform'),
      cpuLimitPct: fc.integer({ min: 2, max: 100 }),
      state: fc.constantFrom('accepted', 'running', 'uploading', 'done', 'failed'),
      requestedAt: moment,
      startedAt: maybe(moment),
      endedAt: maybe(moment),
      reason: fc.string(),
    }),
  ),
});
const terms = {
  agent: 'a',
  upTo: 1,
  count: 1,
  rawBytes: 1,
  encodedBytes: 1,
  digest: 'd',
  chunkBytes: 65_536,
  idempotencyKey: 'k',
};
const stream: fc.Arbitrary<StreamFacts> = fc.record({
  bytes: fc.nat(2 * 1024 * 1024),
  waitingSince: maybe(moment),
  notBefore: moment,
  mostRecords: fc.constant(100),
  payload: maybe(
    fc.record({ nextStepAt: moment }).map((change) => ({ terms, held: null, failures: 0, ...change })),
  ),
  uploadedAt: fc.constant(null),
  refused: fc.constant(0),
});
const someTypes = fc.subarray(['Inventory', 'Vulnerability', 'SCA', 'FIM', 'EDR'] as const);

/** Facts of all kinds, also such as never come together. */
const anyFacts: fc.Arbitrary<Facts> = fc
  .record({
    configured: fc.boolean(),
    uninstalled: fc.boolean(),
    pausedUntil: moment,
    provisioned: fc.boolean(),
    provisioning: backoff,
    uplink: backoff,
    exchanging: maybe(fc.constantFrom('provision', 'heartbeat')),
    profileVersion: fc.nat(3),
    profileOffered: fc.nat(3),
    documentsNotBefore: fc.dictionary(fc.constantFrom('profile', ...MANIFEST_TYPES), moment),
    manifestsOffered: fc.dictionary(fc.constantFrom('Inventory', 'SCA'), fc.nat(3)),
    activeTypes: someTypes,
    types: fc.dictionary(fc.constantFrom('Inventory', 'Vulnerability', 'SCA', 'FIM'), type),
    lastHeartbeatAt: maybe(moment),
    heartbeatWanted: fc.boolean(),
    queuedRecords: fc.nat(2),
    pending: maybe(fc.record({ nextStepAt: moment }).map((change) => pendingOf(change))),
    streams: fc.record({ fim: stream, edr: stream }),
    collecting: maybe(fc.constantFrom('Inventory', 'SCA')),
    collectorUp: fc.boolean(),
    diskNotBefore: moment,
    lastSyncCheckAt: maybe(moment),
    syncCheckWanted: fc.boolean(),
    reprovisionWanted: fc.boolean(),
    uninstallWanted: fc.boolean(),
    suspended: fc.boolean(),
  })
  .map(({ suspended, ...facts }) =>
    restingFacts({
      ...facts,
      profile: { ...defaultProfile(), suspendCollection: suspended },
    }),
  );

describe('the plan, for facts of any kind', () => {
  it('is pure, and wakes later than now whenever it waits', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const before = structuredClone(facts);
        const first = plan(facts, NOW);
        expect(facts).toEqual(before);
        expect(plan(facts, NOW)).toEqual(first);
        if (first.wakeAt !== null && first.uplink === null && first.collect === null) {
          expect(first.wakeAt).toBeGreaterThan(NOW);
        }
      }),
    );
  });

  it('comes to something later where an agent that may speak has nothing to do now', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { uplink, wakeAt } = plan(facts, NOW);
        const maySpeak = facts.configured && !facts.uninstalled && facts.exchanging === null;
        if (maySpeak && uplink === null) expect(wakeAt).not.toBeNull();
      }),
    );
  });

  it('starts what it waited for when it wakes, so that it never spins without doing anything', () => {
    fc.assert(
      fc.property(anyFacts, (start) => {
        let now = NOW;
        for (let turn = 0; turn < 40; turn += 1) {
          const { uplink, collect, wakeAt } = plan(start, now);
          if (uplink !== null || collect !== null || wakeAt === null) return;
          expect(wakeAt).toBeGreaterThan(now);
          now = wakeAt;
        }
        throw new Error('forty waits and nothing done');
      }),
    );
  });

  it('R210 never scans what is reported by events, and sends none of a module that is off or held', () => {
    fc.assert(
      fc.property(anyFacts, fc.subarray(['FIM', 'EDR'] as const), (facts, noTransmission) => {
        const { uplink, collect } = plan({ ...facts, reduced: { noCollection: [], noTransmission } }, NOW);
        expect(['FIM', 'EDR']).not.toContain(collect?.type);
        if (uplink?.step !== 'events') return;
        const type = TYPE_OF_STREAM[uplink.stream];
        expect(facts.activeTypes).toContain(type);
        expect(noTransmission).not.toContain(type);
        expect(facts.queuedRecords).toBe(0);
      }),
    );
  });
});
