import { EVENT_STREAMS, type EventStream } from '../../shared/host-events.ts';
import { TYPE_OF_STREAM, type ManifestType } from '../../shared/modules.ts';
import { silentUntil, uploadGoesFirst } from './blackout.ts';
import type { CycleReason, Facts } from './facts.ts';
import { logsWaitForUnmetered, payloadWaitsForUnmetered, waitsForUnmetered } from './network-change.ts';
import { payloadLimits } from './payload-limits.ts';
import { nextCollection, SYNC_CHECK_INTERVAL_MS } from './schedule.ts';

/** One exchange with the platform. */
export type UplinkStep =
  | { readonly step: 'provision' }
  | { readonly step: 'reprovision' }
  | { readonly step: 'uninstall' }
  | { readonly step: 'profile' }
  | { readonly step: 'heartbeat' }
  | { readonly step: 'manifest'; readonly type: ManifestType }
  | { readonly step: 'upload' }
  | { readonly step: 'events'; readonly stream: EventStream }
  | { readonly step: 'logs' }
  | { readonly step: 'records' }
  | { readonly step: 'sync-check' };

/** What to start now, and when to look again if nothing happens until then. */
export interface Plan {
  readonly uplink: UplinkStep | null;
  readonly collect: { readonly type: ManifestType; readonly reason: CycleReason | 'interval' } | null;
  /** Ms since the epoch; `null`: only an event changes anything. */
  readonly wakeAt: number | null;
}

/** Seconds between heartbeats under the profile, or as a developer shortened them. */
export function statusIntervalSec(facts: Facts): number {
  return facts.development.statusIntervalSec ?? facts.profile.statusIntervalSec;
}

/** When the next heartbeat is due; at once before the first one. */
export function heartbeatAt(facts: Facts): number {
  if (facts.heartbeatWanted || facts.lastHeartbeatAt === null) return 0;
  return facts.lastHeartbeatAt + statusIntervalSec(facts) * 1000;
}

/**
 * Decides what the agent does next: one exchange and one collection at a time, everything else by what the facts say.
 * Pure: the same facts and time give the same plan.
 */
export function plan(facts: Facts, now: number): Plan {
  const collection = nextCollection(facts, now);
  const collect = 'collect' in collection ? collection.collect : null;
  // A collection that starts now moves this side, as one that runs does.
  const uplink = planUplink(collect === null ? facts : { ...facts, collecting: collect.type }, now);
  const lookAt = 'lookAt' in collection ? collection.lookAt : null;
  return { uplink: uplink.step, collect, wakeAt: earliest(uplink.wakeAt, lookAt) };
}

interface UplinkPlan {
  readonly step: UplinkStep | null;
  readonly wakeAt: number | null;
}

const nothing: UplinkPlan = { step: null, wakeAt: null };
const start = (step: UplinkStep): UplinkPlan => ({ step, wakeAt: null });
const wait = (at: number): UplinkPlan => ({ step: null, wakeAt: at });

function planUplink(facts: Facts, now: number): UplinkPlan {
  if (facts.exchanging !== null || !facts.configured || facts.uninstalled) return nothing;
  if (facts.pausedUntil > now) return wait(facts.pausedUntil);
  const silent = silentUntil(facts, now);
  if (silent !== null) return wait(silent);
  if (!facts.provisioned) {
    return facts.provisioning.nextAt <= now ? start({ step: 'provision' }) : wait(facts.provisioning.nextAt);
  }
  if (facts.uninstallWanted) return start({ step: 'uninstall' });
  if (facts.reprovisionWanted) return start({ step: 'reprovision' });
  if (facts.uplink.nextAt > now) return wait(facts.uplink.nextAt);
  return nextExchange(facts, now);
}

/** In order of importance; the heartbeat comes between chunks, so that a long upload never silences the agent. */
function nextExchange(facts: Facts, now: number): UplinkPlan {
  const later: number[] = [];
  const allowed = (document: string): boolean => {
    const notBefore = facts.documentsNotBefore[document] ?? 0;
    if (notBefore > now) later.push(notBefore);
    return notBefore <= now;
  };
  if (uploadGoesFirst(facts, now) && !uploadHeld(facts)) return uploadStep(facts, now);
  const profileMissing = facts.profileOffered > facts.profileVersion;
  if (profileMissing && facts.profileVersion === 0 && allowed('profile')) return start({ step: 'profile' });
  const heartbeat = heartbeatAt(facts);
  if (heartbeat <= now) return start({ step: 'heartbeat' });
  later.push(heartbeat);
  if (profileMissing && allowed('profile')) return start({ step: 'profile' });
  for (const type of facts.activeTypes) {
    if (manifestMissing(type, facts) && allowed(type)) return start({ step: 'manifest', type });
  }
  const upload = nextUpload(facts);
  if (upload?.step.step === 'upload' && upload.at <= now) return start(upload.step);
  if (facts.queuedRecords > 0) return start({ step: 'records' });
  for (const next of [dated({ step: 'sync-check' }, syncCheckAt(facts)), upload, logs(facts)]) {
    if (next === null) continue;
    if (next.at <= now) return start(next.step);
    later.push(next.at);
  }
  return wait(Math.min(...later));
}

/** A step, and when it may go. */
interface Dated {
  readonly step: UplinkStep;
  readonly at: number;
}
const dated = (step: UplinkStep, at: number | null): Dated | null => (at === null ? null : { step, at });

/**
 * The upload of a collection or the payload of events that may go first: the one whose time came earlier. Each step moves
 * its own time on, so that neither keeps another from ever going, however slow the network is.
 */
function nextUpload(facts: Facts): Dated | null {
  const { pending } = facts;
  const all = [
    dated({ step: 'upload' }, pending === null || uploadHeld(facts) ? null : pending.nextStepAt),
    ...EVENT_STREAMS.map((stream) => dated({ step: 'events', stream }, payloadAt(facts, stream))),
  ].filter((one) => one !== null);
  return all.reduce<Dated | null>((first, one) => (first === null || one.at < first.at ? one : first), null);
}

/**
 * When a payload of a stream goes a step further: a new one once the size or the time threshold is reached (R205), never
 * within a reduced-activity period, nor where it is too large for the network.
 */
function payloadAt(facts: Facts, stream: EventStream): number | null {
  const type = TYPE_OF_STREAM[stream];
  if (!facts.activeTypes.includes(type) || facts.reduced.noTransmission.includes(type)) return null;
  if (payloadWaitsForUnmetered(facts, stream)) return null;
  const { payload, bytes, waitingSince, notBefore } = facts.streams[stream];
  if (payload !== null) return payload.nextStepAt;
  if (waitingSince === null) return null;
  const { payloadBytes, thresholdMs } = payloadLimits(facts, stream);
  return Math.max(notBefore, bytes >= payloadBytes ? waitingSince : waitingSince + thresholdMs);
}

/** Whether the pending upload waits: for an unmetered network, or for the end of a reduced-activity period. */
export function uploadHeld(facts: Facts): boolean {
  const { pending, reduced } = facts;
  return waitsForUnmetered(facts) || (pending !== null && reduced.noTransmission.includes(pending.type));
}

/** The next step of the pending upload, and nothing else before it. */
function uploadStep({ pending }: Facts, now: number): UplinkPlan {
  const at = pending?.nextStepAt ?? now;
  return at <= now ? start({ step: 'upload' }) : wait(at);
}

/** A manifest is fetched when the platform offers another version than the one in force. */
function manifestMissing(type: ManifestType, facts: Facts): boolean {
  const offered = facts.manifestsOffered[type];
  return offered !== undefined && offered !== facts.types[type]?.manifest?.version;
}

/** When the archive of logs goes a step further: never beside another upload, nor on a network that it is too large for. */
function logs(facts: Facts): Dated | null {
  const { logs, pending } = facts;
  const behind = pending !== null && !uploadHeld(facts);
  return logs === null || behind || logsWaitForUnmetered(facts)
    ? null
    : dated({ step: 'logs' }, logs.nextStepAt);
}

/** When both sides compare roots: after a batch of cycles, and once a day (R223); never while either side is moving. */
function syncCheckAt(facts: Facts): number | null {
  if (facts.pending !== null || facts.collecting !== null) return null;
  if (!Object.values(facts.types).some((type) => type.seq > 0)) return null;
  if (facts.syncCheckWanted || facts.lastSyncCheckAt === null) return 0;
  return facts.lastSyncCheckAt + SYNC_CHECK_INTERVAL_MS;
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
