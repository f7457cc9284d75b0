import { defaultProfile } from '../../../shared/profile.ts';
import { noBackoff } from '../backoff.ts';
import { noBlackout } from '../blackout.ts';
import {
  anyNetwork,
  emptyStream,
  emptyTypeFacts,
  nothingReduced,
  type Facts,
  type PendingFacts,
  type TypeFacts,
} from '../facts.ts';

/** The moment at which facts of tests stand, ms since the epoch. */
export const NOW = Date.UTC(2026, 10, 21, 1, 0, 0);

/** A type with a manifest in force that was in sync `ago` ms before `NOW`. */
export function syncedType(ago = 0, change: Partial<TypeFacts> = {}): TypeFacts {
  return {
    ...emptyTypeFacts,
    manifest: { version: 1, tasks: 1, tables: ['deb'] },
    seq: 1,
    root: 'a'.repeat(64),
    rows: 2,
    uploadedAt: NOW - ago,
    cycleEndedAt: NOW - ago,
    ...change,
  };
}

export const pendingOf = (change: Partial<PendingFacts> = {}): PendingFacts => ({
  type: 'Inventory',
  kind: 'delta',
  chunkCount: 4,
  chunksSent: 0,
  encodedBytes: 4_000_000,
  nextStepAt: NOW,
  failures: 0,
  ...change,
});

/** An agent that is registered and has nothing to do at `NOW`. */
export function restingFacts(change: Partial<Facts> = {}): Facts {
  return {
    startedAt: NOW,
    configured: true,
    uninstalled: false,
    pausedUntil: 0,
    provisioned: true,
    provisioning: noBackoff,
    uplink: noBackoff,
    network: anyNetwork,
    blackout: noBlackout,
    reduced: nothingReduced,
    meteredLimitBytes: 1024 * 1024,
    exchanging: null,
    profile: defaultProfile(),
    profileClamped: [],
    levelOverride: null,
    profileVersion: 1,
    profileOffered: 1,
    documentsNotBefore: {},
    manifestsOffered: { Inventory: 1 },
    activeTypes: ['Inventory'],
    types: { Inventory: syncedType() },
    lastHeartbeatAt: NOW,
    heartbeatWanted: false,
    queuedRecords: 0,
    pending: null,
    logs: null,
    streams: { fim: emptyStream, edr: emptyStream },
    collecting: null,
    scan: null,
    collectorUp: true,
    batteryLow: null,
    diskNotBefore: 0,
    lastSyncCheckAt: NOW,
    syncCheckWanted: false,
    reprovisionWanted: false,
    uninstallWanted: false,
    development: {},
    ...change,
  };
}
