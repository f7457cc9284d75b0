import { z } from 'zod';
import { MANIFEST_TYPES, typesOfModules } from '../../shared/modules.ts';
import { defaultProfile } from '../../shared/profile.ts';
import type { Registration } from '../host/identity.ts';
import type { Store } from '../queue/open.ts';
import { noBackoff } from './backoff.ts';
import { emptyTypeFacts, type DevelopmentIntervals, type Facts, type TypeFacts } from './facts.ts';
import { countRecords } from './records.ts';
import { cycleEnd } from './schedule.ts';
import { pendingFacts } from './upload.ts';

const Registered = z.object({ hostId: z.string(), agentKeyId: z.string() });

/** What a type still owed when the agent ended: an early cycle, or the spread drawn for the next one. */
const Cycle = z.object({
  spreadMs: z.number().min(0),
  requested: z
    .object({ reason: z.enum(['manifest', 'change', 'resync', 'request', 'retry']), notBefore: z.number() })
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
    registered !== undefined &&
    registered.hostId === registration.hostId &&
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
    readonly development: DevelopmentIntervals;
  },
): Facts {
  const { now, configured, provisioned, development } = input;
  const pending = store.snapshots.pending();
  const number = z.number();
  return {
    startedAt: now,
    configured,
    uninstalled: false,
    provisioned,
    provisioning: noBackoff,
    uplink: noBackoff,
    exchanging: null,
    profile: defaultProfile(),
    profileVersion: 0,
    profileOffered: 0,
    documentsNotBefore: {},
    manifestsOffered: {},
    activeTypes: typesOfModules(modulesOf(store)),
    types: typesOf(store, provisioned ? now : null),
    lastHeartbeatAt: store.kv.get('lastHeartbeatAt', number) ?? null,
    // A start is an occasion to check in: the machine may have been off for days.
    heartbeatWanted: true,
    queuedRecords: countRecords({ store }),
    pending: pending === undefined ? null : pendingFacts(pending, now),
    collecting: null,
    collectorUp: false,
    diskNotBefore: 0,
    lastSyncCheckAt: store.kv.get('lastSyncCheckAt', number) ?? null,
    syncCheckWanted: false,
    reprovisionWanted: false,
    development,
  };
}

/** Modules of the last heartbeat; Inventory alone before the first. */
export function modulesOf(store: Store): string[] {
  return store.kv.get('modules', z.array(z.string())) ?? [];
}

/** `owedAt`: when a type that was lost is collected again; `null` before the first registration, when all are new. */
function typesOf(store: Store, owedAt: number | null): Facts['types'] {
  const pendingType = store.snapshots.pending()?.type;
  const active = typesOfModules(modulesOf(store));
  return Object.fromEntries(
    MANIFEST_TYPES.filter((type) => active.includes(type)).map((type): [string, TypeFacts] => {
      const state = store.snapshots.state(type);
      const cycle = store.kv.get(`cycle:${type}`, Cycle) ?? { spreadMs: 0, requested: null };
      if (state === undefined) {
        // Nothing held, nothing under way, nothing asked for: a crash between dropping a copy and asking for a new one.
        const lost = pendingType !== type && owedAt !== null;
        const owed = lost ? ({ reason: 'retry', notBefore: owedAt } as const) : null;
        return [type, { ...emptyTypeFacts, ...cycle, requested: cycle.requested ?? owed }];
      }
      const processedAt = state.processed?.seq === state.seq ? state.processed.at : null;
      const { seq, root, rows, collectedAt, uploadedAt } = state;
      const cycleEndedAt = cycleEnd(uploadedAt, processedAt, defaultProfile().statusIntervalSec);
      return [
        type,
        { ...emptyTypeFacts, ...cycle, seq, root, rows, collectedAt, uploadedAt, processedAt, cycleEndedAt },
      ];
    }),
  );
}
