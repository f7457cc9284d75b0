import { z } from 'zod';
import type { ManifestType } from '../../shared/modules.ts';
import { cpuSharePct } from '../../shared/profile.ts';
import {
  DemandedScan,
  isUnderWay,
  SCAN_CPU_LIMIT,
  SCAN_ORIGINS,
  SCAN_REFUSALS,
  type OnDemandType,
  type ScanOrigin,
  type ScanRefusal,
  type ScanReply,
} from '../../shared/scan.ts';
import { toInstant } from '../clock.ts';
import type { Store } from '../queue/open.ts';
import type { Context } from './context.ts';
import type { CycleRequest, DemandFacts, Facts } from './facts.ts';
import { collectionRefusal, earlierRequest, scanRefusal } from './schedule.ts';

/** A scan that somebody asks for. Without a limit of its own it gets the one that its origin is entitled to. */
export interface ScanWish {
  readonly type: OnDemandType;
  readonly cpuLimitPct?: number | undefined;
  readonly origin: ScanOrigin;
  /** The id of a wish that may come twice: then it is the same scan. A new one without it. */
  readonly controlId?: string;
  /** The control id of a scan that this one follows: as long as that one is under way, it is no reason to refuse. */
  readonly after?: string | undefined;
}

/** What came of a wish. `CPU_LIMIT`: only an administrator may use more of the processor than the profile allows. */
export type ScanAnswer =
  { readonly accepted: ScanReply } | { readonly refused: ScanRefusal | 'CPU_LIMIT'; readonly reason: string };

const UNLIMITED = SCAN_CPU_LIMIT.max;

/**
 * Decides on a scan at once and, if it is accepted, has the plan begin with it (R173–R177). To be called within an event of
 * the owner loop. Accepted means durable: a restart before the end repeats it.
 */
export function demandScan(
  context: Context,
  wish: ScanWish,
  platform: string = process.platform,
): ScanAnswer {
  const { type, origin } = wish;
  const facts = context.facts();
  const last = facts.types[type]?.demand;
  if (last && last.controlId === wish.controlId) {
    return { accepted: { controlId: last.controlId, type, cpuLimitPct: last.cpuLimitPct } };
  }
  const cpuLimitPct = shareFor(wish, facts, platform);
  const allowed = cpuSharePct(facts.profile, platform);
  if (origin === 'user' && cpuLimitPct > allowed) {
    const reason = `more than ${allowed} % of a core, the profile's limit, is for administrators only: run it as root`;
    return refused(context, wish, 'CPU_LIMIT', reason);
  }
  const refusal = followsOn(wish, facts) ? collectionRefusal(type, facts) : refusalNow(context, type);
  if (refusal !== undefined) return refused(context, wish, refusal, SCAN_REFUSALS[refusal]);
  const now = context.clock.now();
  const { controlId = context.random.uuid() } = wish;
  const demand: DemandFacts = {
    controlId,
    origin,
    cpuLimitPct,
    state: 'accepted',
    requestedAt: now,
    startedAt: null,
    endedAt: null,
    reason: '',
  };
  const request: CycleRequest = { reason: 'demand', notBefore: now };
  const requested = earlierRequest(facts.types[type]?.requested ?? null, request);
  context.updateType(type, { demand, requested });
  context.log.info(`scan of ${type} accepted (${origin}, ${controlId}, ${cpuLimitPct} % of a core)`);
  return { accepted: { controlId, type, cpuLimitPct } };
}

/** Why a scan can't begin now. Where only a scheduled one that waits for power is in the way, that one gives way. */
function refusalNow(context: Context, type: ManifestType): ScanRefusal | undefined {
  const refusal = collectionRefusal(type, context.facts());
  if (refusal !== undefined) return refusal;
  giveWay(context);
  return scanRefusal(type, context.facts());
}

/** A scheduled scan that waits for power gives way to what somebody asks for; it is done again after that. */
function giveWay(context: Context): void {
  const { scan, collecting, types } = context.facts();
  if (collecting === null || !scan?.pausedBecause) return;
  const requested = types[collecting]?.serving ?? null;
  context.cancelCollection(collecting);
  context.updateType(collecting, { requested, serving: null });
  context.log.info(`collection of ${collecting} gives way to a scan that was asked for`);
}

/**
 * Whether a wish may wait for the scan that it names: the plan begins with it once nothing runs and nothing is pending. A
 * type has one scan at a time, so that as many wait at most as there are types.
 */
function followsOn({ type, after }: ScanWish, { types, activeTypes }: Facts): boolean {
  const own = types[type]?.demand;
  if (after === undefined || (own && isUnderWay(own))) return false;
  const before = activeTypes
    .map((active) => types[active]?.demand)
    .find((demand) => demand?.controlId === after);
  return before ? isUnderWay(before) : false;
}

function refused(
  context: Context,
  { type, origin }: ScanWish,
  code: ScanRefusal | 'CPU_LIMIT',
  reason: string,
): ScanAnswer {
  context.log.warn(`scan of ${type} refused (${origin}): ${reason}`);
  return { refused: code, reason };
}

function shareFor({ origin, cpuLimitPct }: ScanWish, { profile }: Facts, platform: string): number {
  if (cpuLimitPct !== undefined) return cpuLimitPct;
  switch (origin) {
    case 'user':
      return cpuSharePct(profile, platform);
    case 'ScanOnDemand':
    case 'ScanOnStartup':
      return UNLIMITED; // R180
    case 'administrator':
    case 'platform':
      return profile.onDemandCpuLimitPct;
  }
}

/** Notes that a collection of this type begins; returns the share of a core that it was given, if one was. */
export function demandBegins(context: Context, type: ManifestType): number | undefined {
  const demand = context.facts().types[type]?.demand;
  if (demand?.state !== 'accepted') return undefined;
  context.updateType(type, { demand: { ...demand, state: 'running', startedAt: context.clock.now() } });
  return demand.cpuLimitPct;
}

/** Notes how a demanded scan that is under way goes on; nothing happens where none is. */
export function demandGoesOn(
  context: Context,
  type: ManifestType,
  state: 'uploading' | 'done' | 'failed',
  reason = '',
): void {
  const demand = context.facts().types[type]?.demand;
  if (demand?.state !== 'running' && demand?.state !== 'uploading') return;
  const endedAt = state === 'uploading' ? null : context.clock.now();
  context.updateType(type, { demand: { ...demand, state, endedAt, reason } });
  if (state === 'failed')
    context.log.error(`scan of ${type} on demand failed (${demand.controlId}): ${reason}`);
  if (state === 'done') context.log.info(`scan of ${type} on demand complete (${demand.controlId})`);
}

/**
 * Ends the demands that nothing works on any more, after every event: a resync, a refused upload, or a profile that suspends
 * collection takes a scan along, and whoever waits for it is told.
 */
export function settleDemands(context: Context): void {
  const facts = context.facts();
  for (const type of facts.activeTypes) {
    const reason = lostBecause(type, facts);
    const demand = facts.types[type]?.demand;
    if (reason === undefined || !demand) continue;
    const ended = { ...demand, state: 'failed' as const, endedAt: context.clock.now(), reason };
    context.updateType(type, { demand: ended });
    context.log.error(`scan of ${type} on demand failed (${demand.controlId}): ${reason}`);
  }
}

function lostBecause(type: ManifestType, facts: Facts): string | undefined {
  const state = facts.types[type]?.demand?.state;
  if (state === 'uploading' && facts.pending?.type !== type)
    return 'its upload was given up; the log says why';
  if (state === 'running' && facts.collecting !== type) return 'it was cancelled';
  if (state !== 'accepted') return undefined;
  const refusal = collectionRefusal(type, facts);
  return refusal === undefined ? undefined : SCAN_REFUSALS[refusal];
}

const Stored = z.object({
  controlId: z.string(),
  origin: z.enum(SCAN_ORIGINS),
  cpuLimitPct: z.number(),
  state: DemandedScan.shape.state,
  requestedAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  reason: z.string(),
});

/** Where the last demand of a type is kept. */
export const demandKey = (type: ManifestType): string => `demand:${type}`;

/**
 * The last demand of a type as the last run left it. What was collected is collected again, and accepted once more; an
 * upload whose commit was not noted any more has ended, since nothing of it is pending.
 */
export function storedDemand(
  store: Store,
  type: ManifestType,
  requested: CycleRequest | null,
  uploadPending: boolean,
): DemandFacts | null {
  const demand = store.kv.get(demandKey(type), Stored);
  if (demand === undefined) return null;
  const under = demand.state === 'accepted' || demand.state === 'running';
  if (under && requested !== null) return { ...demand, state: 'accepted', startedAt: null };
  if (under)
    return { ...demand, state: 'failed', endedAt: demand.requestedAt, reason: 'the agent was restarted' };
  if (demand.state === 'uploading' && !uploadPending)
    return { ...demand, state: 'done', endedAt: demand.startedAt };
  return demand;
}

/** A demand as status shows it. */
export function demandStatus(demand: DemandFacts | null): DemandedScan | null {
  if (demand === null) return null;
  const at = (ms: number | null): string | null => (ms === null ? null : toInstant(ms));
  return {
    ...demand,
    requestedAt: toInstant(demand.requestedAt),
    startedAt: at(demand.startedAt),
    endedAt: at(demand.endedAt),
  };
}
