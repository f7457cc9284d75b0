import { describe, expect, it } from 'vitest';
import { defaultProfile } from '../../shared/profile.ts';
import { emptyStream, emptyTypeFacts, type Facts, type StreamFacts } from './facts.ts';
import { heartbeatAt, plan, statusIntervalSec, type Plan } from './plan.ts';
import { NOW, pendingOf, restingFacts, syncedType } from './testing/facts.ts';

const DAY = 24 * 3600 * 1000;
const planOf = (change: Partial<Facts> = {}): Plan => plan(restingFacts(change), NOW);
const stepOf = (change: Partial<Facts>): string | undefined => planOf(change).uplink?.step;
const dueType = syncedType(2 * DAY);
const everything: Partial<Facts> = {
  provisioned: false,
  reprovisionWanted: true,
  profileVersion: 0,
  heartbeatWanted: true,
  manifestsOffered: { Inventory: 2 },
  pending: pendingOf(),
  queuedRecords: 3,
  syncCheckWanted: true,
};

describe('the order of exchanges', () => {
  it('R090 R126 registers first, then profile, heartbeat, manifest, upload, records', () => {
    const order: Partial<Facts>[] = [
      { provisioned: true },
      { reprovisionWanted: false },
      { profileVersion: 1 },
      { heartbeatWanted: false },
      { manifestsOffered: { Inventory: 1 } },
      { pending: null },
      { queuedRecords: 0 },
      { syncCheckWanted: false },
    ];
    let facts = everything;
    const steps = [stepOf(facts)];
    for (const change of order) {
      facts = { ...facts, ...change };
      steps.push(stepOf(facts));
    }
    expect(steps).toEqual([
      'provision',
      'reprovision',
      'profile',
      'heartbeat',
      'manifest',
      'upload',
      'records',
      'sync-check',
      undefined,
    ]);
  });

  it('puts a newer profile after the heartbeat that is due, and before manifests', () => {
    const facts = {
      ...everything,
      provisioned: true,
      reprovisionWanted: false,
      profileVersion: 1,
      profileOffered: 2,
    };
    expect(stepOf(facts)).toBe('heartbeat');
    expect(stepOf({ ...facts, heartbeatWanted: false })).toBe('profile');
    expect(stepOf({ ...facts, heartbeatWanted: false, profileOffered: 1 })).toBe('manifest');
  });

  it('names the type whose manifest is missing or another than the offered', () => {
    const activeTypes = ['Inventory', 'Vulnerability'] as const;
    const manifestsOffered = { Inventory: 1, Vulnerability: 4 };
    expect(planOf({ activeTypes, manifestsOffered }).uplink).toEqual({
      step: 'manifest',
      type: 'Vulnerability',
    });
    expect(stepOf({ activeTypes, manifestsOffered: { Inventory: 1 } })).toBeUndefined();
    expect(stepOf({ types: { Inventory: emptyTypeFacts } })).toBe('manifest');
  });

  it('never starts a second exchange, nor any without settings or for a platform that removed this agent', () => {
    for (const change of [{ exchanging: 'upload' }, { configured: false }, { uninstalled: true }]) {
      for (const provisioned of [true, false]) {
        expect(planOf({ ...everything, provisioned, ...change })).toMatchObject({
          uplink: null,
          wakeAt: null,
        });
      }
    }
  });

  it('waits for every back-off to its moment', () => {
    const later = { failures: 1, nextAt: NOW + 7 };
    expect(planOf({ ...everything, provisioning: later })).toMatchObject({ uplink: null, wakeAt: NOW + 7 });
    expect(planOf({ ...everything, provisioning: { failures: 1, nextAt: NOW } }).uplink?.step).toBe(
      'provision',
    );
    expect(planOf({ heartbeatWanted: true, uplink: later })).toMatchObject({ uplink: null, wakeAt: NOW + 7 });
    expect(planOf({ heartbeatWanted: true, uplink: { failures: 1, nextAt: NOW } }).uplink?.step).toBe(
      'heartbeat',
    );
    for (const provisioned of [true, false]) {
      const paused = { ...everything, provisioned, pausedUntil: NOW + 9 };
      expect(planOf(paused)).toMatchObject({ uplink: null, wakeAt: NOW + 9 });
    }
    expect(stepOf({ heartbeatWanted: true, pausedUntil: NOW })).toBe('heartbeat');
  });

  it('R116 ends for a platform that removes this agent before anything else, a new identity included', () => {
    const facts = { ...everything, provisioned: true, uninstallWanted: true };
    expect(stepOf(facts)).toBe('uninstall');
    expect(stepOf({ ...facts, provisioned: false })).toBe('provision');
  });

  it('R096 takes a new identity although the platform does not answer', () => {
    expect(stepOf({ reprovisionWanted: true, uplink: { failures: 1, nextAt: NOW + 7 } })).toBe('reprovision');
  });
});

describe('the heartbeat', () => {
  it('R107 goes a status interval after the one before', () => {
    expect(heartbeatAt(restingFacts())).toBe(NOW + 900_000);
    expect(planOf()).toMatchObject({ uplink: null, wakeAt: NOW + 900_000 });
    expect(stepOf({ lastHeartbeatAt: NOW - 900_000 })).toBe('heartbeat');
    expect(stepOf({ lastHeartbeatAt: NOW - 899_999 })).toBeUndefined();
  });

  it('goes at once before the first one and when it is wanted', () => {
    expect(heartbeatAt(restingFacts({ lastHeartbeatAt: null }))).toBe(0);
    expect(stepOf({ lastHeartbeatAt: null })).toBe('heartbeat');
    expect(stepOf({ heartbeatWanted: true })).toBe('heartbeat');
  });

  it('takes the interval of the profile, or what a developer set', () => {
    const profile = { ...defaultProfile(), statusIntervalSec: 1800 };
    expect(statusIntervalSec(restingFacts({ profile }))).toBe(1800);
    expect(statusIntervalSec(restingFacts({ profile, development: { statusIntervalSec: 2 } }))).toBe(2);
  });

  it('R107 comes between the chunks of a long upload', () => {
    const pending = pendingOf({ chunksSent: 1 });
    expect(stepOf({ pending, lastHeartbeatAt: NOW - 900_000 })).toBe('heartbeat');
    expect(stepOf({ pending })).toBe('upload');
    expect(planOf({ pending: pendingOf({ nextStepAt: NOW + 10 }) })).toMatchObject({
      uplink: null,
      wakeAt: NOW + 10,
    });
  });
});

describe('documents', () => {
  const refused = { documentsNotBefore: { profile: NOW + 5, Inventory: NOW + 3 } };

  it('are not asked for again before their time, and then are', () => {
    const change = { ...refused, profileOffered: 2, manifestsOffered: { Inventory: 2 } };
    expect(planOf(change)).toMatchObject({ uplink: null, wakeAt: NOW + 3 });
    expect(planOf({ ...change, manifestsOffered: {} })).toMatchObject({ uplink: null, wakeAt: NOW + 5 });
    expect(stepOf({ ...change, documentsNotBefore: { profile: NOW } })).toBe('profile');
  });

  it('that were never had do not hold up the heartbeat', () => {
    expect(stepOf({ ...refused, profileVersion: 0, heartbeatWanted: true })).toBe('heartbeat');
  });
});

describe('the comparison of both sides', () => {
  it('R223 happens once a day', () => {
    expect(stepOf({ lastSyncCheckAt: NOW - DAY })).toBe('sync-check');
    expect(stepOf({ lastSyncCheckAt: NOW - DAY + 1 })).toBeUndefined();
    expect(planOf({ lastSyncCheckAt: NOW - DAY + 1 }).wakeAt).toBe(NOW + 1);
    expect(stepOf({ lastSyncCheckAt: null })).toBe('sync-check');
  });

  it('R223 happens after a batch of cycles, not while either side moves', () => {
    expect(stepOf({ syncCheckWanted: true })).toBe('sync-check');
    expect(stepOf({ syncCheckWanted: true, collecting: 'Inventory' })).toBeUndefined();
    expect(stepOf({ syncCheckWanted: true, pending: pendingOf({ nextStepAt: NOW + 1 }) })).toBeUndefined();
    const starting = planOf({ syncCheckWanted: true, types: { Inventory: dueType } });
    expect(starting).toMatchObject({ uplink: null, collect: { type: 'Inventory' } });
    const both = planOf({ heartbeatWanted: true, types: { Inventory: dueType } });
    expect(both).toMatchObject({ uplink: { step: 'heartbeat' }, collect: { type: 'Inventory' } });
    const partly = { Inventory: syncedType(), Vulnerability: emptyTypeFacts };
    expect(stepOf({ syncCheckWanted: true, types: partly })).toBe('sync-check');
  });

  it('R223 waits for a first snapshot', () => {
    const types = { Inventory: emptyTypeFacts };
    expect(stepOf({ syncCheckWanted: true, types, manifestsOffered: {} })).toBeUndefined();
  });
});

describe('collections', () => {
  it('do not start while a delta is pending', () => {
    expect(planOf({ types: { Inventory: dueType } }).collect).toEqual({
      type: 'Inventory',
      reason: 'interval',
    });
    expect(planOf({ types: { Inventory: dueType }, pending: pendingOf() }).collect).toBeNull();
  });

  it('go on beside an exchange and while the platform does not answer', () => {
    const types = { Inventory: dueType };
    expect(planOf({ types, exchanging: 'heartbeat' }).collect).not.toBeNull();
    expect(planOf({ types, uplink: { failures: 9, nextAt: NOW + DAY } }).collect).not.toBeNull();
  });

  it('wake the agent for the earlier of exchange and collection', () => {
    const soon = { Inventory: syncedType(DAY - 5) };
    expect(planOf({ types: soon }).wakeAt).toBe(NOW + 5);
    expect(planOf({ types: soon, exchanging: 'heartbeat' }).wakeAt).toBe(NOW + 5);
    expect(planOf({ types: {}, manifestsOffered: {} }).wakeAt).toBe(NOW + 900_000);
  });
});

describe('payloads of events', () => {
  const activeTypes = ['Inventory', 'FIM', 'EDR'] as const;
  const manifestsOffered = { Inventory: 1 };
  const KB = 1024;
  const waiting = (bytes: number, ago: number, change: Partial<StreamFacts> = {}): StreamFacts => ({
    ...emptyStream,
    bytes,
    waitingSince: NOW - ago,
    ...change,
  });
  const streamsOf = (fim: StreamFacts, edr = emptyStream, change: Partial<Facts> = {}): Partial<Facts> => ({
    activeTypes,
    manifestsOffered,
    streams: { fim, edr },
    ...change,
  });
  const underWay = (nextStepAt: number, encodedBytes = 100): StreamFacts['payload'] => ({
    terms: {
      agent: 'a',
      upTo: 1,
      count: 1,
      rawBytes: 200,
      encodedBytes,
      digest: 'd',
      chunkBytes: 65_536,
      idempotencyKey: 'k',
    },
    held: null,
    nextStepAt,
    failures: 0,
  });

  it('R204 R205 leave when the oldest has waited for the threshold, which is waited for', () => {
    expect(planOf(streamsOf(waiting(1, 30_000))).uplink).toEqual({ step: 'events', stream: 'fim' });
    expect(planOf(streamsOf(waiting(1, 29_999)))).toMatchObject({ uplink: null, wakeAt: NOW + 1 });
    expect(planOf(streamsOf(emptyStream, waiting(1, 59_999)))).toMatchObject({ wakeAt: NOW + 1 });
    const development = { payloadThresholdSec: 1 };
    expect(stepOf(streamsOf(waiting(1, 1_000), emptyStream, { development }))).toBe('events');
  });

  it('R202 R203 R205 leave when as much is queued as the profile says', () => {
    const profile = { ...defaultProfile(), fimPayloadKb: 2, edrPayloadKb: 3 };
    const at = (fim: number, edr: number) =>
      planOf(streamsOf(waiting(fim, 0), waiting(edr, 0), { profile })).uplink;
    expect(at(2 * KB - 1, 3 * KB - 1)).toBeNull();
    expect(at(2 * KB, 3 * KB - 1)).toEqual({ step: 'events', stream: 'fim' });
    expect(at(2 * KB - 1, 3 * KB)).toEqual({ step: 'events', stream: 'edr' });
    const held = waiting(2 * KB, 0, { notBefore: NOW + 5 });
    expect(planOf(streamsOf(held, emptyStream, { profile })).wakeAt).toBe(NOW + 5);
  });

  it('wait for their module, their period, and an unmetered network where one is too large', () => {
    const due = waiting(1, 60_000);
    expect(stepOf(streamsOf(due, emptyStream, { activeTypes: ['Inventory'] }))).toBeUndefined();
    const reduced = { noCollection: [], noTransmission: ['FIM'] as const };
    expect(stepOf(streamsOf(due, emptyStream, { reduced }))).toBeUndefined();
    const network = { online: true, metered: true };
    const large = waiting(1, 0, { payload: underWay(NOW, 2 * KB * KB) });
    expect(stepOf(streamsOf(large, emptyStream, { network }))).toBeUndefined();
    expect(stepOf(streamsOf(large))).toBe('events');
    const small = waiting(1, 0, { payload: underWay(NOW) });
    expect(stepOf(streamsOf(small, emptyStream, { network }))).toBe('events');
  });

  it('come after heartbeat and records, and before the logs', () => {
    const logs = {
      command: { id: 'c', type: 't' },
      terms: null,
      held: null,
      nextStepAt: NOW - 90_000,
      failures: 0,
    };
    const facts = streamsOf(waiting(1, 60_000), emptyStream, {
      heartbeatWanted: true,
      queuedRecords: 1,
      logs,
    });
    expect(stepOf(facts)).toBe('heartbeat');
    expect(stepOf({ ...facts, heartbeatWanted: false })).toBe('records');
    expect(stepOf({ ...facts, heartbeatWanted: false, queuedRecords: 0 })).toBe('events');
  });

  it('and the upload of a collection take turns, however long each of their steps takes', () => {
    const stepMs = 100_000;
    const taken: string[] = [];
    let now = NOW;
    let pending = pendingOf();
    let fim = waiting(1, 0, { payload: underWay(NOW) });
    for (let n = 0; n < 20; n += 1) {
      const facts = restingFacts({ ...streamsOf(fim), pending, lastHeartbeatAt: now });
      const { uplink } = plan(facts, now);
      taken.push(uplink?.step ?? 'nothing');
      // From start to start, ten seconds apart: always due again when the step has ended.
      if (uplink?.step === 'upload') pending = { ...pending, nextStepAt: now + 10_000 };
      else fim = { ...fim, payload: underWay(now + 10_000) };
      now += stepMs;
    }
    expect(taken.filter((step) => step === 'upload')).toHaveLength(10);
    expect(taken.filter((step) => step === 'events')).toHaveLength(10);
  });
});
