import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultProfile, type Profile } from '../../shared/profile.ts';
import type { ScanOrigin } from '../../shared/scan.ts';
import { emptyTypeFacts, nothingReduced, type CycleRequest, type DemandFacts } from './facts.ts';
import {
  changeRequest,
  collectionPauseMs,
  collectionRefusal,
  cycleEnd,
  dueAt,
  earlierRequest,
  isForSomeone,
  nextCollection,
  scanRefusal,
  spreadMs,
} from './schedule.ts';
import { NOW, pendingOf, restingFacts, syncedType } from './testing/facts.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const profileOf = (change: Partial<Profile>): Profile => ({ ...defaultProfile(), ...change });
const request = (notBefore: number, reason: CycleRequest['reason'] = 'change'): CycleRequest => ({
  reason,
  notBefore,
});

describe('the spread of a cycle', () => {
  it('R167 R168 adds the delay and a random 1..randomise minutes, whole ones', () => {
    const profile = profileOf({ scanDelayMin: 10, scanRandomizeMin: 30 });
    expect(spreadMs(profile, 0)).toBe(11 * MINUTE);
    expect(spreadMs(profile, 0.5)).toBe(26 * MINUTE);
    expect(spreadMs(profile, 0.999_999)).toBe(40 * MINUTE);
  });

  it('R167 R168 takes 0 for none', () => {
    expect(spreadMs(profileOf({}), 0.9)).toBe(0);
    expect(spreadMs(profileOf({ scanDelayMin: 7 }), 0.9)).toBe(7 * MINUTE);
    expect(spreadMs(profileOf({ scanRandomizeMin: 1 }), 0.9)).toBe(MINUTE);
  });
});

describe('when a cycle is due', () => {
  const profile = profileOf({ vmIntervalMin: 300 });

  it('R159 R162 R166 counts interval and spread from the end of the last cycle', () => {
    const known = syncedType(0, { spreadMs: 5 * MINUTE });
    expect(dueAt('Vulnerability', known, profile)).toBe(NOW + 305 * MINUTE);
    expect(dueAt('Inventory', known, profile)).toBe(NOW + 24 * HOUR + 5 * MINUTE);
  });

  it('R152 takes how often from the interval alone: the pace on the processor moves nothing', () => {
    const known = syncedType();
    const slow = { ...profile, cpuLimitPct: 2, cpuThrottleMs: 1000 };
    expect(dueAt('Vulnerability', known, slow)).toBe(dueAt('Vulnerability', known, profile));
    expect(dueAt('Vulnerability', known, { ...slow, vmIntervalMin: 400 })).toBe(NOW + 400 * MINUTE);
  });

  it('takes a request that comes earlier, and the interval where that does', () => {
    expect(dueAt('Inventory', syncedType(0, { requested: request(NOW + 1) }), profile)).toBe(NOW + 1);
    const late = syncedType(0, { requested: request(NOW + 48 * HOUR) });
    expect(dueAt('Inventory', late, profile)).toBe(NOW + 24 * HOUR);
  });

  it('has no time while nothing was collected and nothing is asked for', () => {
    expect(dueAt('Inventory', emptyTypeFacts, profile)).toBeNull();
    expect(dueAt('Inventory', { ...emptyTypeFacts, requested: request(NOW) }, profile)).toBe(NOW);
  });

  it('lets the earlier of two requests stand, the first of equal ones', () => {
    const early = request(1);
    const late = request(2);
    expect(earlierRequest(early, late)).toBe(early);
    expect(earlierRequest(late, early)).toBe(early);
    const same = request(1, 'manifest');
    expect(earlierRequest(early, same)).toBe(early);
    expect(earlierRequest(null, late)).toBe(late);
  });
});

describe('the end of a cycle', () => {
  it('R166 is the processing when a heartbeat reports it within 15 min and a status interval', () => {
    const latest = NOW + 15 * MINUTE + 900_000;
    expect(cycleEnd(NOW, NOW + 5_000, latest, 900)).toBe(NOW + 5_000);
    expect(cycleEnd(NOW, NOW + 5_000, latest + 1, 900)).toBe(NOW);
    expect(cycleEnd(NOW, NOW + 5_000, latest + 1, 901)).toBe(NOW + 5_000);
  });

  it('R166 never lies before the commit nor after the report, whatever the clock of the platform says', () => {
    expect(cycleEnd(NOW, NOW - HOUR, NOW + MINUTE, 900)).toBe(NOW);
    expect(cycleEnd(NOW, NOW + HOUR, NOW + MINUTE, 900)).toBe(NOW + MINUTE);
  });
});

describe('a change on the host', () => {
  it('R027 asks for an early cycle, at once where none began lately', () => {
    expect(changeRequest(emptyTypeFacts, NOW, 60)).toEqual(request(NOW));
    expect(changeRequest(syncedType(0, { startedAt: NOW - HOUR }), NOW, 60)).toEqual(request(NOW));
  });

  it('R027 keeps the gap to the collection before', () => {
    const known = syncedType(0, { startedAt: NOW - 10_000 });
    expect(changeRequest(known, NOW, 60)).toEqual(request(NOW + 50_000));
  });

  it('does not hurry the daily attempt after a refused upload', () => {
    const refused = request(NOW + 24 * HOUR, 'refused');
    expect(changeRequest({ ...emptyTypeFacts, requested: refused }, NOW, 60)).toBe(refused);
  });
});

describe('a failed collection', () => {
  it('is tried again after a minute, doubled up to an hour', () => {
    expect([1, 2, 3, 6, 7, 50].map((n) => collectionPauseMs(n) / 1000)).toEqual([
      60, 120, 240, 1920, 3600, 3600,
    ]);
    expect(collectionPauseMs(2, 0.2)).toBe(400);
  });
});

describe('why a type is not collected', () => {
  const refuse = (change: Parameters<typeof restingFacts>[0]): string | undefined =>
    collectionRefusal('Inventory', restingFacts(change));
  const suspended = { profile: profileOf({ suspendCollection: true }) };
  const noManifest = { types: { Inventory: emptyTypeFacts } };

  it('names the first reason in the order of the protocol', () => {
    const all = { ...suspended, ...noManifest, activeTypes: [], provisioned: false };
    expect(refuse(all)).toBe('NOT_PROVISIONED');
    expect(refuse({ ...all, provisioned: true })).toBe('MODULE_NOT_ACTIVE');
    expect(refuse({ ...suspended, ...noManifest })).toBe('NO_MANIFEST');
    expect(refuse(suspended)).toBe('SUSPENDED');
    expect(refuse({})).toBeUndefined();
  });

  it('R171 leaves patch assessment alone while the profile switches it off, and nothing else', () => {
    const types = { PatchAssessment: syncedType(0), Inventory: syncedType(0) };
    const off = {
      types,
      activeTypes: ['PatchAssessment', 'Inventory'] as const,
      profile: profileOf({ pmEnabled: false }),
    };
    expect(collectionRefusal('PatchAssessment', restingFacts(off))).toBe('MODULE_NOT_ACTIVE');
    expect(collectionRefusal('Inventory', restingFacts(off))).toBeUndefined();
    expect(
      collectionRefusal('PatchAssessment', restingFacts({ ...off, profile: profileOf({}) })),
    ).toBeUndefined();
  });

  it('takes a manifest without tasks, and a type that is not known, for no manifest', () => {
    const empty = syncedType(0, { manifest: { version: 1, tasks: 0, tables: [] } });
    expect(refuse({ types: { Inventory: empty } })).toBe('NO_MANIFEST');
    expect(refuse({ types: {} })).toBe('NO_MANIFEST');
  });

  it('collects nothing for a platform that removed this agent', () => {
    expect(refuse({ uninstalled: true })).toBe('NOT_PROVISIONED');
  });
});

describe('the next collection', () => {
  const due = { Inventory: syncedType(24 * HOUR) };
  const next = (change: Parameters<typeof restingFacts>[0] = {}): ReturnType<typeof nextCollection> =>
    nextCollection(restingFacts({ types: due, ...change }), NOW);

  it('starts what is due, and says whether interval or request wants it', () => {
    expect(next()).toEqual({ collect: { type: 'Inventory', reason: 'interval' } });
    const asked = syncedType(0, { requested: request(NOW) });
    expect(next({ types: { Inventory: asked } })).toEqual({
      collect: { type: 'Inventory', reason: 'change' },
    });
    const both = syncedType(24 * HOUR, { requested: request(NOW + 1) });
    expect(next({ types: { Inventory: both } })).toEqual({
      collect: { type: 'Inventory', reason: 'interval' },
    });
  });

  it('looks again when the first one is due', () => {
    const types = { Inventory: syncedType(), Vulnerability: syncedType(HOUR), UDC: syncedType() };
    const activeTypes = ['Inventory', 'Vulnerability', 'UDC'] as const;
    expect(next({ types, activeTypes })).toEqual({ lookAt: NOW + 3 * HOUR });
    expect(next({ types: { Inventory: syncedType(24 * HOUR - 1) } })).toEqual({ lookAt: NOW + 1 });
  });

  it('starts nothing while a delta is pending or a collection runs', () => {
    expect(next({ pending: pendingOf() })).toEqual({ lookAt: null });
    expect(next({ collecting: 'Vulnerability' })).toEqual({ lookAt: null });
    expect(next({ collectorUp: false })).toEqual({ lookAt: null });
  });

  it('waits for the disk', () => {
    expect(next({ diskNotBefore: NOW + 5 })).toEqual({ lookAt: NOW + 5 });
    expect(next({ diskNotBefore: NOW })).toEqual({ collect: { type: 'Inventory', reason: 'interval' } });
  });

  it('passes over types that are refused, unknown or without a time', () => {
    const activeTypes = ['Inventory', 'Vulnerability', 'UDC', 'SCA'] as const;
    const types = {
      Inventory: emptyTypeFacts,
      UDC: syncedType(0, { cycleEndedAt: null }),
      SCA: syncedType(4 * HOUR),
    };
    expect(next({ activeTypes, types })).toEqual({ collect: { type: 'SCA', reason: 'interval' } });
    expect(next({ activeTypes, types: { Inventory: emptyTypeFacts } })).toEqual({ lookAt: null });
    expect(next({ profile: profileOf({ suspendCollection: true }) })).toEqual({ lookAt: null });
  });

  it('never starts early and never looks back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 48 }),
        fc.integer({ min: -10, max: 10 }),
        (hours, requestHours) => {
          const known = syncedType(hours * HOUR, { requested: request(NOW + requestHours * HOUR) });
          const result = next({ types: { Inventory: known } });
          const isDue = (dueAt('Inventory', known, defaultProfile()) ?? 0) <= NOW;
          expect('collect' in result).toBe(isDue);
          if ('lookAt' in result) expect(result.lookAt).toBeGreaterThan(NOW);
        },
      ),
    );
  });
});

/** A scan on demand. */
const demandOf = (origin: ScanOrigin, state: DemandFacts['state'] = 'accepted'): DemandFacts => ({
  controlId: '3f0c1c9a-7d7b-4a39-9d15-2a3c1f9f6c01',
  origin,
  cpuLimitPct: 10,
  state,
  requestedAt: NOW,
  startedAt: null,
  endedAt: null,
  reason: '',
});

describe('what holds a scheduled scan back', () => {
  const dueNow = syncedType(24 * HOUR);
  const asked = (origin: ScanOrigin, notBefore = 0) =>
    syncedType(0, { requested: request(NOW, 'demand'), demand: demandOf(origin), notBefore });
  const next = (change: Parameters<typeof restingFacts>[0]): ReturnType<typeof nextCollection> =>
    nextCollection(restingFacts({ types: { Inventory: dueNow }, ...change }), NOW);
  const begins = (reason: string) => ({ collect: { type: 'Inventory', reason } });

  it('is a low battery, but not for a scan that a person or the platform waits for', () => {
    const batteryLow = { chargePct: 10 };
    expect(next({ batteryLow })).toEqual({ lookAt: null });
    for (const origin of ['user', 'administrator', 'platform'] as const)
      expect(next({ batteryLow, types: { Inventory: asked(origin) } }), origin).toEqual(begins('demand'));
    for (const origin of ['ScanOnDemand', 'ScanOnStartup'] as const)
      expect(next({ batteryLow, types: { Inventory: asked(origin) } }), origin).toEqual({ lookAt: null });
  });

  it('lets a scan go on for someone as long as it has not ended', () => {
    const states = ['accepted', 'running', 'uploading', 'done', 'failed'] as const;
    expect(states.filter((state) => isForSomeone(demandOf('user', state)))).toEqual(['accepted', 'running']);
    expect(states.filter((state) => isForSomeone(demandOf('ScanOnDemand', state)))).toEqual([]);
    expect([isForSomeone(null), isForSomeone(undefined)]).toEqual([false, false]);
  });

  it('is a reduced-activity period of its type, and what waits after a blackout, but not for one on demand', () => {
    const reduced = { ...nothingReduced, noCollection: ['Inventory'] as const };
    const over = { until: null, releaseAt: NOW, resuming: true };
    for (const held of [{ reduced }, { blackout: over }]) {
      expect(next(held)).toEqual({ lookAt: null });
      expect(next({ ...held, types: { Inventory: asked('ScanOnDemand') } })).toEqual(begins('demand'));
      // A demand that has ended holds no door open.
      const ended = { ...dueNow, demand: demandOf('user', 'done') };
      expect(next({ ...held, types: { Inventory: ended } })).toEqual({ lookAt: null });
    }
    expect(next({ reduced: { ...nothingReduced, noCollection: ['Vulnerability'] } })).toEqual(
      begins('interval'),
    );
    expect(next({ blackout: { ...over, until: NOW + HOUR } })).toEqual(begins('interval'));
  });

  it('is what a blackout left of its delay, which a scan on demand does not wait for', () => {
    expect(dueAt('Inventory', asked('user', NOW + HOUR), defaultProfile())).toBe(NOW);
    const late = { ...dueNow, requested: request(NOW), notBefore: NOW + HOUR };
    expect(dueAt('Inventory', late, defaultProfile())).toBe(NOW + HOUR);
  });

  it('is not the order of the types: what somebody waits for comes first', () => {
    const types = { Inventory: dueNow, Vulnerability: asked('user') };
    const activeTypes = ['Inventory', 'Vulnerability'] as const;
    expect(next({ types, activeTypes })).toEqual({ collect: { type: 'Vulnerability', reason: 'demand' } });
    const none = { ...types, Vulnerability: { ...asked('user'), demand: demandOf('user', 'running') } };
    expect(next({ types: none, activeTypes })).toMatchObject({ collect: { type: 'Inventory' } });
  });
});

describe('a scan on demand', () => {
  const both = ['Inventory', 'Vulnerability'] as const;

  it('R175 is refused while another one is accepted, though it has not begun', () => {
    const accepted = { ...syncedType(), demand: demandOf('user') };
    const types = { Inventory: syncedType(), Vulnerability: accepted };
    const facts = restingFacts({ activeTypes: both, types });
    expect(scanRefusal('Inventory', facts)).toBe('COLLECTION_RUNNING');
    const ended = { ...accepted, demand: demandOf('user', 'done') };
    expect(scanRefusal('Inventory', { ...facts, types: { ...types, Vulnerability: ended } })).toBeUndefined();
  });

  it('is not refused for types of which nothing is known yet', () => {
    const facts = restingFacts({ activeTypes: both, types: { Inventory: syncedType() } });
    expect(scanRefusal('Inventory', facts)).toBeUndefined();
  });
});
