import { describe, expect, it } from 'vitest';
import type { DemandedScan, ScanOrigin } from '../../shared/scan.ts';
import type { Store } from '../queue/open.ts';
import {
  demandBegins,
  demandGoesOn,
  demandKey,
  demandScan,
  demandStatus,
  settleDemands,
  storedDemand,
  type ScanWish,
} from './demand.ts';
import type { CycleRequest, DemandFacts, Facts, ScanFacts, TypeFacts } from './facts.ts';
import { NOW, pendingOf, syncedType } from './testing/facts.ts';
import { MemoryValues } from './testing/memory-values.ts';
import { plainContext } from './testing/plain-context.ts';

const ID = '3f0c1c9a-7d7b-4a39-9d15-2a3c1f9f6c01';
const OTHER_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const STATES = ['accepted', 'running', 'uploading', 'done', 'failed'] as const;

const demandOf = (state: DemandedScan['state'], change: Partial<DemandFacts> = {}): DemandFacts => ({
  controlId: ID,
  origin: 'administrator',
  cpuLimitPct: 10,
  state,
  requestedAt: NOW - 5,
  startedAt: state === 'accepted' ? null : NOW - 4,
  endedAt: state === 'done' || state === 'failed' ? NOW - 3 : null,
  reason: state === 'failed' ? 'as it was' : '',
  ...change,
});
const withDemand = (demand: DemandFacts | null, change: Partial<TypeFacts> = {}): TypeFacts =>
  syncedType(0, { demand, ...change });
const scanOf = (pausedBecause: string | null): ScanFacts => ({
  reason: 'interval',
  origin: null,
  startedAt: NOW,
  tasksDone: 0,
  tasks: 1,
  sharePct: 10,
  cpuMs: 0,
  pausedBecause,
});
/** A context of Inventory with this demand, and what to look at. */
const lifeOf = (demand: DemandFacts | null, change: Partial<Facts> = {}) => {
  const life = plainContext({ types: { Inventory: withDemand(demand) }, ...change });
  return { ...life, demand: () => life.context.facts().types.Inventory?.demand };
};

describe('a demand that is kept', () => {
  const request: CycleRequest = { reason: 'demand', notBefore: NOW };
  const stored = (demand: DemandFacts | undefined, requested: CycleRequest | null, pending: boolean) => {
    const kv = new MemoryValues();
    if (demand !== undefined) kv.set('demand:Inventory', demand);
    return storedDemand({ kv } as unknown as Store, 'Inventory', requested, pending);
  };

  it('stands under the name of its type', () => {
    expect(demandKey('UDC')).toBe('demand:UDC');
    expect(stored(undefined, request, false)).toBeNull();
  });

  it('that was not collected is accepted once more, or has failed where nothing asks for it any more', () => {
    for (const state of ['accepted', 'running'] as const) {
      const demand = demandOf(state);
      expect(stored(demand, request, false)).toEqual({ ...demand, state: 'accepted', startedAt: null });
      expect(stored(demand, null, false)).toEqual({
        ...demand,
        state: 'failed',
        endedAt: demand.requestedAt,
        reason: 'the agent was restarted',
      });
    }
  });

  it('that was uploading is done where nothing of it is pending; one that has ended stays as it is', () => {
    const uploading = demandOf('uploading');
    for (const requested of [request, null]) {
      expect(stored(uploading, requested, true)).toEqual(uploading);
      expect(stored(uploading, requested, false)).toEqual({ ...uploading, state: 'done', endedAt: NOW - 4 });
      for (const state of ['done', 'failed'] as const)
        for (const pending of [true, false])
          expect(stored(demandOf(state), requested, pending)).toEqual(demandOf(state));
    }
  });

  it('is shown with its times in words', () => {
    expect(demandStatus(null)).toBeNull();
    expect(demandStatus(demandOf('accepted'))).toMatchObject({ startedAt: null, endedAt: null });
    expect(demandStatus(demandOf('done'))).toEqual({
      ...demandOf('done'),
      requestedAt: new Date(NOW - 5).toISOString(),
      startedAt: new Date(NOW - 4).toISOString(),
      endedAt: new Date(NOW - 3).toISOString(),
    });
  });
});

describe('a demand on its way', () => {
  it('begins with its collection, which gets its share; a collection that nobody asked for gets none', () => {
    const { context, demand } = lifeOf(demandOf('accepted'));
    expect(demandBegins(context, 'Inventory')).toBe(10);
    expect(demand()).toEqual(demandOf('accepted', { state: 'running', startedAt: NOW }));
    for (const state of STATES.filter((one) => one !== 'accepted')) {
      const other = lifeOf(demandOf(state));
      expect(demandBegins(other.context, 'Inventory')).toBeUndefined();
      expect(other.demand()).toEqual(demandOf(state));
    }
    expect(demandBegins(context, 'UDC')).toBeUndefined();
  });

  it('goes on while it is under way, says how it ended, and changes no more after that', () => {
    for (const before of ['running', 'uploading'] as const) {
      const uploading = lifeOf(demandOf(before));
      demandGoesOn(uploading.context, 'Inventory', 'uploading');
      expect(uploading.demand()).toEqual(demandOf(before, { state: 'uploading', endedAt: null }));
      expect(uploading.noted.lines).toEqual([]);
      const done = lifeOf(demandOf(before));
      demandGoesOn(done.context, 'Inventory', 'done');
      expect(done.demand()).toEqual(demandOf(before, { state: 'done', endedAt: NOW }));
      expect(done.noted.lines).toEqual([`info scan of Inventory on demand complete (${ID})`]);
      const failed = lifeOf(demandOf(before));
      demandGoesOn(failed.context, 'Inventory', 'failed', 'no table');
      expect(failed.demand()).toEqual(
        demandOf(before, { state: 'failed', endedAt: NOW, reason: 'no table' }),
      );
      expect(failed.noted.lines).toEqual([`error scan of Inventory on demand failed (${ID}): no table`]);
    }
    for (const before of ['accepted', 'done', 'failed'] as const) {
      const { context, demand, noted } = lifeOf(demandOf(before));
      demandGoesOn(context, 'Inventory', 'done');
      expect(demand()).toEqual(demandOf(before));
      expect(noted.lines).toEqual([]);
    }
    const { context } = lifeOf(null);
    demandGoesOn(context, 'Inventory', 'done');
    demandGoesOn(context, 'UDC', 'done');
    expect(context.facts().types.Inventory?.demand).toBeNull();
  });

  it.each<[DemandedScan['state'], Partial<Facts>, string | undefined]>([
    ['uploading', { pending: pendingOf() }, undefined],
    ['uploading', { pending: pendingOf({ type: 'UDC' }) }, 'its upload was given up; the log says why'],
    ['uploading', { pending: null }, 'its upload was given up; the log says why'],
    ['running', { collecting: 'Inventory' }, undefined],
    ['running', { collecting: 'UDC' }, 'it was cancelled'],
    ['running', { collecting: null }, 'it was cancelled'],
    ['accepted', {}, undefined],
    ['accepted', { provisioned: false }, 'this host is not registered with a platform'],
    ['done', { provisioned: false }, undefined],
    ['failed', { provisioned: false }, undefined],
  ])('that is %s with %o ends because: %s', (state, change, reason) => {
    const { context, demand, noted } = lifeOf(demandOf(state), change);
    settleDemands(context);
    const expected = reason === undefined ? {} : { state: 'failed' as const, endedAt: NOW, reason };
    expect(demand()).toEqual(demandOf(state, expected));
    expect(noted.lines).toEqual(
      reason === undefined ? [] : [`error scan of Inventory on demand failed (${ID}): ${reason}`],
    );
  });

  it('is looked for among types of which nothing is known, and finds none', () => {
    const { context, noted } = lifeOf(null, { activeTypes: ['UDC', 'Inventory'] });
    settleDemands(context);
    expect(noted.lines).toEqual([]);
  });
});

describe('a wish for a scan', () => {
  const wish: ScanWish = { type: 'Inventory', origin: 'administrator' };
  const code = (answer: ReturnType<typeof demandScan>): string =>
    'accepted' in answer ? 'accepted' : answer.refused;

  it('is accepted as it is asked for, and says so', () => {
    const { context, noted, demand } = lifeOf(null);
    const answer = demandScan(context, { ...wish, cpuLimitPct: 42 }, 'linux');
    const controlId = '00000000-0000-4000-8000-000000000001';
    expect(answer).toEqual({ accepted: { controlId, type: 'Inventory', cpuLimitPct: 42 } });
    expect(demand()).toEqual({
      controlId,
      origin: 'administrator',
      cpuLimitPct: 42,
      state: 'accepted',
      requestedAt: NOW,
      startedAt: null,
      endedAt: null,
      reason: '',
    });
    expect(context.facts().types.Inventory?.requested).toEqual({ reason: 'demand', notBefore: NOW });
    expect(noted.lines).toEqual([
      `info scan of Inventory accepted (administrator, ${controlId}, 42 % of a core)`,
    ]);
  });

  it('leaves an earlier request in its place', () => {
    const requested: CycleRequest = { reason: 'change', notBefore: NOW - 1 };
    const { context } = plainContext({ types: { Inventory: withDemand(null, { requested }) } });
    demandScan(context, wish, 'linux');
    expect(context.facts().types.Inventory?.requested).toEqual(requested);
  });

  it('is the same one by the same id, whatever became of it', () => {
    const { context, demand } = lifeOf(demandOf('done'));
    const answer = demandScan(context, { ...wish, controlId: ID }, 'linux');
    expect(answer).toEqual({ accepted: { controlId: ID, type: 'Inventory', cpuLimitPct: 10 } });
    expect(demand()).toEqual(demandOf('done'));
    const other = demandScan(context, { ...wish, controlId: OTHER_ID }, 'linux');
    expect(other).toMatchObject({ accepted: { controlId: OTHER_ID } });
  });

  it('R320 of a user is refused above the limit of the profile, with both in words', () => {
    const { context, noted } = lifeOf(null);
    const ask = (cpuLimitPct: number) =>
      demandScan(context, { type: 'Inventory', origin: 'user', cpuLimitPct }, 'linux');
    const reason =
      "more than 10 % of a core, the profile's limit, is for administrators only: run it as root";
    expect(ask(11)).toEqual({ refused: 'CPU_LIMIT', reason });
    expect(noted.lines).toEqual([`warn scan of Inventory refused (user): ${reason}`]);
    expect(code(ask(10))).toBe('accepted');
  });

  it.each<[ScanOrigin, number]>([
    ['user', 10],
    ['ScanOnDemand', 100],
    ['ScanOnStartup', 100],
    ['administrator', 77],
    ['platform', 77],
  ])('R180 of %s gets %i %% of a core where it names nothing', (origin, cpuLimitPct) => {
    const { context } = lifeOf(null);
    context.update({ profile: { ...context.facts().profile, onDemandCpuLimitPct: 77 } });
    expect(demandScan(context, { type: 'Inventory', origin }, 'linux')).toMatchObject({
      accepted: { cpuLimitPct },
    });
  });

  it('has a scheduled scan that waits for power give way, which is done after it', () => {
    const serving: CycleRequest = { reason: 'change', notBefore: NOW - 9 };
    const types = { Inventory: withDemand(null), UDC: withDemand(null, { serving }) };
    const resting = { activeTypes: ['Inventory', 'UDC'] as const, types, collecting: 'UDC' as const };
    const life = plainContext({ ...resting, scan: scanOf('the battery is low') });
    expect(code(demandScan(life.context, wish, 'linux'))).toBe('accepted');
    expect(life.noted.cancelled).toEqual(['UDC']);
    expect(life.context.facts().types.UDC).toMatchObject({ requested: serving, serving: null });
    expect(life.noted.lines[0]).toBe('info collection of UDC gives way to a scan that was asked for');
    for (const scan of [scanOf(null), null]) {
      const busy = plainContext({ ...resting, scan });
      expect(code(demandScan(busy.context, wish, 'linux'))).toBe('COLLECTION_RUNNING');
      expect(busy.noted.cancelled).toEqual([]);
    }
    const idle = plainContext({ ...resting, collecting: null, scan: scanOf('the battery is low') });
    expect(code(demandScan(idle.context, wish, 'linux'))).toBe('accepted');
    expect(idle.noted.cancelled).toEqual([]);
  });

  it('that is refused has nothing give way', () => {
    const life = lifeOf(null, { provisioned: false, collecting: 'UDC', scan: scanOf('the battery is low') });
    expect(code(demandScan(life.context, wish, 'linux'))).toBe('NOT_PROVISIONED');
    expect(life.noted.cancelled).toEqual([]);
  });

  it('R186 may wait for another one that is under way, once for each type', () => {
    const ask = (before: DemandFacts | null, own: DemandFacts | null = null, after: string = ID): string => {
      const types = { UDC: withDemand(before), Inventory: withDemand(own) };
      const { context } = plainContext({
        activeTypes: ['Vulnerability', 'UDC', 'Inventory'],
        types,
        collecting: 'UDC',
      });
      return code(demandScan(context, { ...wish, after }, 'linux'));
    };
    for (const state of ['accepted', 'running', 'uploading'] as const)
      expect(ask(demandOf(state)), state).toBe('accepted');
    for (const state of ['done', 'failed'] as const)
      expect(ask(demandOf(state)), state).toBe('COLLECTION_RUNNING');
    expect(ask(demandOf('running'), null, OTHER_ID)).toBe('COLLECTION_RUNNING');
    expect(ask(demandOf('running'), demandOf('accepted', { controlId: OTHER_ID }))).toBe(
      'COLLECTION_RUNNING',
    );
    expect(ask(demandOf('running'), demandOf('done', { controlId: OTHER_ID }))).toBe('accepted');
    expect(ask(null)).toBe('COLLECTION_RUNNING');
  });
});
