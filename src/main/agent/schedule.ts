import { intervalMinutes, type Profile } from '../../shared/profile.ts';
import { isStreamType, type ManifestType } from '../../shared/modules.ts';
import type { ScanOrigin, ScanRefusal } from '../../shared/scan.ts';
import type { CycleReason, CycleRequest, DemandFacts, Facts, TypeFacts } from './facts.ts';

const MINUTE = 60_000;

/** How long a heartbeat may take to report processing before the commit itself counts as the end of a cycle. */
const PROCESSING_GRACE_MS = 15 * MINUTE;

/** Shortest time between two collections of a type that changes on the host ask for (C1: "minimum gap"). */
export const CHANGE_GAP_SEC = 60;

const COLLECTION_RETRY_SEC = 60;
const COLLECTION_RETRY_CAP_SEC = 3600;

/** A day between full comparisons of both sides' roots, where nothing asks for one earlier (R223). */
export const SYNC_CHECK_INTERVAL_MS = 24 * 60 * MINUTE;

/** Delay plus random 1..randomise minutes, in ms; 0 for an absent part (R167, R168). `random` in [0, 1). */
export function spreadMs(profile: Profile, random: number): number {
  const { scanDelayMin, scanRandomizeMin } = profile;
  const randomise = scanRandomizeMin === 0 ? 0 : 1 + Math.floor(random * scanRandomizeMin);
  return (scanDelayMin + randomise) * MINUTE;
}

/**
 * When the next cycle of a type is due: a request's time or end of the last cycle + interval + spread, whichever is
 * earlier, but not before what a blackout left of it; `null` while nothing says when (protocol, scheduler rule 1). A
 * scan on demand is due at once.
 */
export function dueAt(type: ManifestType, facts: TypeFacts, profile: Profile): number | null {
  const regular =
    facts.cycleEndedAt === null
      ? null
      : facts.cycleEndedAt + intervalMinutes(type, profile) * MINUTE + facts.spreadMs;
  const { requested, demand, notBefore } = facts;
  if (requested === null) return regular === null ? null : Math.max(regular, notBefore);
  if (demand?.state === 'accepted') return requested.notBefore;
  return Math.max(notBefore, Math.min(regular ?? requested.notBefore, requested.notBefore));
}

/**
 * The end of a cycle (R166): when the platform had processed it, if a heartbeat said so within 15 minutes and one status
 * interval of the commit, else the commit. `processedAt` is the platform's clock, so it is bounded by this host's.
 */
export function cycleEnd(
  uploadedAt: number,
  processedAt: number,
  reportedAt: number,
  statusIntervalSec: number,
): number {
  const inTime = reportedAt <= uploadedAt + PROCESSING_GRACE_MS + statusIntervalSec * 1000;
  return inTime ? Math.max(uploadedAt, Math.min(processedAt, reportedAt)) : uploadedAt;
}

/** Pause before a collection that failed is tried again: a minute, doubled with every failure in a row up to an hour. */
export function collectionPauseMs(failures: number, firstSec = COLLECTION_RETRY_SEC): number {
  return Math.min(COLLECTION_RETRY_CAP_SEC, firstSec * 2 ** (failures - 1)) * 1000;
}

/**
 * A request for an early cycle because the host changed: kept apart from the last one by the gap (protocol, rule 11).
 * A type whose upload the platform refused keeps its one full collection a day: that one shows the change as well.
 */
export function changeRequest(facts: TypeFacts, now: number, gapSec: number): CycleRequest {
  if (facts.requested?.reason === 'refused') return facts.requested;
  const earliest = facts.startedAt === null ? now : facts.startedAt + gapSec * 1000;
  return { reason: 'change', notBefore: Math.max(now, earliest) };
}

/** The earlier of two requests; a request never pushes an earlier one back. */
export function earlierRequest(a: CycleRequest | null, b: CycleRequest): CycleRequest {
  return a !== null && a.notBefore <= b.notBefore ? a : b;
}

/** Whether the profile switches off what a module would collect. */
const isSwitchedOff = (type: ManifestType, profile: Profile): boolean =>
  type === 'PatchAssessment' && !profile.pmEnabled;

/** Why a type can't be collected at all at this moment, or `undefined`. The order is the protocol's rule 6. */
export function collectionRefusal(type: ManifestType, facts: Facts): ScanRefusal | undefined {
  if (!facts.provisioned || facts.uninstalled) return 'NOT_PROVISIONED';
  if (!facts.activeTypes.includes(type) || isSwitchedOff(type, facts.profile)) return 'MODULE_NOT_ACTIVE';
  if (isStreamType(type)) return 'NO_SCAN';
  const manifest = facts.types[type]?.manifest;
  if (manifest === undefined || manifest === null || manifest.tasks === 0) return 'NO_MANIFEST';
  if (facts.profile.suspendCollection) return 'SUSPENDED';
  return undefined;
}

/**
 * Why a scan that somebody asks for now is not accepted, or `undefined` (R174, R175; protocol, scheduler rule 6). One that
 * was accepted and has not begun, because its collector is starting, counts as running.
 */
export function scanRefusal(type: ManifestType, facts: Facts): ScanRefusal | undefined {
  const refusal = collectionRefusal(type, facts);
  if (refusal !== undefined) return refusal;
  const accepted = facts.activeTypes.some((other) => facts.types[other]?.demand?.state === 'accepted');
  if (facts.collecting !== null || accepted) return 'COLLECTION_RUNNING';
  return facts.pending === null ? undefined : 'DELTA_PENDING';
}

/** Whether scans still wait for upload and check-in after a blackout. */
const scansWait = ({ blackout }: Facts): boolean => blackout.until === null && blackout.resuming;

/** Whether the schedule starts no scan of this type now: a reduced-activity period, or a blackout that has just ended. */
const heldBack = (type: ManifestType, facts: Facts): boolean =>
  facts.reduced.noCollection.includes(type) || scansWait(facts);

/** Origins of scans that a person waits for: these run on whatever power there is. */
const BY_PERSONS: readonly ScanOrigin[] = ['user', 'administrator', 'platform'];

/** Whether somebody asked for this scan who waits for it, so that the battery does not hold it back. */
export function isForSomeone(demand: DemandFacts | null | undefined): boolean {
  const isOpen = demand?.state === 'accepted' || demand?.state === 'running';
  return isOpen && BY_PERSONS.includes(demand.origin);
}

/** The active types in the order in which they are looked at: what somebody waits for comes first. */
function inTurn({ activeTypes, types }: Facts): readonly ManifestType[] {
  const demanded = activeTypes.filter((type) => types[type]?.demand?.state === 'accepted');
  return demanded.length === 0 ? activeTypes : [...new Set([...demanded, ...activeTypes])];
}

/** The type to collect now and why, or when to look again. One collection at a time, none while an upload is pending. */
export function nextCollection(
  facts: Facts,
  now: number,
):
  | { readonly collect: { type: ManifestType; reason: CycleReason | 'interval' } }
  | { readonly lookAt: number | null } {
  if (facts.collecting !== null || facts.pending !== null || !facts.collectorUp) return { lookAt: null };
  let lookAt: number | null = null;
  for (const type of inTurn(facts)) {
    const known = facts.types[type];
    if (known === undefined || collectionRefusal(type, facts) !== undefined) continue;
    if (known.demand?.state !== 'accepted' && heldBack(type, facts)) continue;
    if (facts.batteryLow !== null && !isForSomeone(known.demand)) continue;
    const due = dueAt(type, known, facts.profile);
    if (due === null) continue;
    const at = Math.max(due, facts.diskNotBefore);
    if (at <= now) {
      const byRequest = known.requested !== null && known.requested.notBefore <= now;
      return { collect: { type, reason: byRequest ? known.requested.reason : 'interval' } };
    }
    lookAt = lookAt === null ? at : Math.min(lookAt, at);
  }
  return { lookAt };
}
