import { z } from 'zod';
import { isStreamType, MANIFEST_TYPES, typesOfModules, type ManifestType } from '../../shared/modules.ts';
import { defaultProfile } from '../../shared/profile.ts';
import type { Registration } from '../host/identity.ts';
import type { Store } from '../queue/open.ts';
import { noBackoff } from './backoff.ts';
import { storedBlackout } from './blackout.ts';
import { storedDemand } from './demand.ts';
import { storedStream } from './event-streams.ts';
import {
  anyNetwork,
  emptyTypeFacts,
  nothingReduced,
  type DevelopmentIntervals,
  type Facts,
  type TypeFacts,
} from './facts.ts';
import { storedOverride } from './log-level.ts';
import { storedLogs } from './logs-archive.ts';
import { countRecords } from './records.ts';
import { uninstallState } from './uninstall-marker.ts';
import { pendingFacts } from './upload-progress.ts';

const Registered = z.object({ hostId: z.string(), agentKeyId: z.string() });

/** What a type still owed when the agent ended: an early cycle, or the spread drawn for the next one. */
const Cycle = z.object({
  spreadMs: z.number().min(0),
  cycleEndedAt: z.number().nullable(),
  notBefore: z.number().default(0),
  requested: z
    .object({
      reason: z.enum(['manifest', 'change', 'resync', 'request', 'demand', 'retry', 'refused']),
      notBefore: z.number(),
    })
    .nullable(),
});

/**
 * Whether the platform confirmed this very identity: registration file, key, Host ID file and database agree. Where one
 * of them was lost or replaced, the host registers again with what it kept.
 */
export function isRegistered(
  store: Store,
  registration: Registration | undefined,
  agentKeyId: string,
  hostId: string | undefined,
): boolean {
  const registered = store.kv.get('registered', Registered);
  return (
    registration !== undefined &&
    registered?.hostId === registration.hostId &&
    registered.agentKeyId === agentKeyId &&
    registration.agentKeyId === agentKeyId &&
    hostId === registration.hostId
  );
}

/** The facts at start, from what the last run left on the disk. */
export function initialFacts(
  store: Store,
  input: {
    readonly now: number;
    readonly configured: boolean;
    readonly provisioned: boolean;
    readonly meteredLimitBytes: number;
    readonly development: DevelopmentIntervals;
  },
): Facts {
  const { now, configured, provisioned, meteredLimitBytes, development } = input;
  const pending = store.snapshots.pending();
  const number = z.number();
  return {
    startedAt: now,
    configured,
    uninstalled: uninstallState({ store }) === 'done',
    pausedUntil: 0,
    provisioned,
    provisioning: noBackoff,
    uplink: noBackoff,
    network: anyNetwork,
    blackout: storedBlackout(store),
    reduced: nothingReduced,
    meteredLimitBytes,
    exchanging: null,
    profile: defaultProfile(),
    profileClamped: [],
    levelOverride: storedOverride(store),
    profileVersion: 0,
    profileOffered: 0,
    documentsNotBefore: {},
    manifestsOffered: {},
    activeTypes: typesOfModules(modulesOf(store)),
    types: typesOf(store, now, provisioned),
    lastHeartbeatAt: notAfter(now, store.kv.get('lastHeartbeatAt', number)),
    // A start is an occasion to check in: the machine may have been off for days.
    heartbeatWanted: true,
    queuedRecords: countRecords({ store }),
    pending: pending === undefined ? null : pendingFacts(pending, now),
    logs: storedLogs(store, now),
    streams: { fim: storedStream(store, 'fim', now), edr: storedStream(store, 'edr', now) },
    collecting: null,
    scan: null,
    collectorUp: false,
    batteryLow: null,
    diskNotBefore: 0,
    lastSyncCheckAt: notAfter(now, store.kv.get('lastSyncCheckAt', number)),
    syncCheckWanted: false,
    reprovisionWanted: false,
    uninstallWanted: uninstallState({ store }) === 'wanted',
    development,
  };
}

/** Modules of the last heartbeat; Inventory alone before the first. */
export function modulesOf(store: Store): string[] {
  return store.kv.get('modules', z.array(z.string())) ?? [];
}

/** A stored time that lies ahead was noted before the clock was set back: it counts as now. */
const notAfter = (latest: number, stored: number | undefined): number | null =>
  stored === undefined ? null : Math.min(latest, stored);

/** Nothing is asked for further ahead than this: the daily attempt after a refused upload, a spread of at most a day. */
const LONGEST_WAIT_MS = 24 * 3600 * 1000;

function cycleOf(store: Store, type: ManifestType, now: number): z.infer<typeof Cycle> {
  const cycle = store.kv.get(`cycle:${type}`, Cycle);
  if (cycle === undefined) return { spreadMs: 0, cycleEndedAt: null, requested: null, notBefore: 0 };
  const within = (at: number): number => Math.min(at, now + LONGEST_WAIT_MS);
  const { requested } = cycle;
  return {
    ...cycle,
    notBefore: within(cycle.notBefore),
    requested: requested === null ? null : { ...requested, notBefore: within(requested.notBefore) },
  };
}

/** A type that was lost is collected again, but not before the first registration, when all are new. */
function typesOf(store: Store, now: number, provisioned: boolean): Facts['types'] {
  const pending = store.snapshots.pending();
  const pendingType = pending?.type;
  const active = typesOfModules(modulesOf(store));
  return Object.fromEntries(
    MANIFEST_TYPES.filter((type) => active.includes(type)).map((type): [string, TypeFacts] => {
      const state = store.snapshots.state(type);
      const { spreadMs, requested, cycleEndedAt, notBefore } = cycleOf(store, type, now);
      const demand = storedDemand(store, type, requested, pendingType === type);
      if (state === undefined) {
        // Nothing held, nothing under way, nothing asked for: a crash between dropping a copy and asking for a new one.
        const lost = pendingType !== type && provisioned && !isStreamType(type);
        const owed = lost ? ({ reason: 'retry', notBefore: now } as const) : null;
        return [type, { ...emptyTypeFacts, spreadMs, notBefore, demand, requested: requested ?? owed }];
      }
      const processedAt = state.processed?.seq === state.seq ? state.processed.at : null;
      const { seq, root, rows, uploadedAt } = state;
      const { collectedAt } = pending?.type === type ? pending : state;
      // A crash between the commit and this note leaves the end of the cycle before: then the commit is the later one.
      const ended = notAfter(now, Math.max(uploadedAt, cycleEndedAt ?? 0));
      const held = { seq, root, rows, collectedAt, uploadedAt, processedAt, cycleEndedAt: ended };
      return [type, { ...emptyTypeFacts, ...held, spreadMs, notBefore, demand, requested }];
    }),
  );
}
