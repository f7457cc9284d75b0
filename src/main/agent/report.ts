import { hostname } from 'node:os';
import { moduleOfType, type ManifestType } from '../../shared/modules.ts';
import { intervalMinutes } from '../../shared/profile.ts';
import type { RouteAttempt } from '../../shared/proxy.ts';
import type { AgentStatus, ScanMergeStatus, TypeStatus } from '../../shared/status.ts';
import { AGENT_VERSION } from '../../shared/wire.ts';
import { toInstant } from '../clock.ts';
import type { Context } from './context.ts';
import { demandStatus } from './demand.ts';
import { streamOf } from './event-streams.ts';
import type { Facts, TypeFacts } from './facts.ts';
import { logStatus } from './log-level.ts';
import { heartbeatAt, statusIntervalSec } from './plan.ts';
import type { QuietTimes } from './quiet-times.ts';
import { LastActivity } from './records.ts';
import { collectionRefusal, dueAt } from './schedule.ts';
import type { SensorProcess } from './sensing.ts';
import { sensorStatus } from './sensor-report.ts';
import type { DerivedPhase } from './status.ts';

/** Totals of finished uploads since the agent started. */
export interface UploadTotals {
  count: number;
  rawBytes: number;
  sentBytes: number;
  chunks: number;
}

/** What the report needs beside facts and store. */
export interface ReportInput {
  readonly phase: DerivedPhase;
  readonly since: number;
  readonly collector: { readonly pid: number | null; readonly restarts: number };
  readonly sensor: SensorProcess;
  readonly clockOffsetSec: number;
  /** The routes that were tried when a connection was last made. */
  readonly routes: readonly RouteAttempt[];
  readonly scanMerge: ScanMergeStatus;
  readonly totals: UploadTotals;
  readonly quiet: QuietTimes;
}

const instant = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : toInstant(ms);

/** Everything that a client of the control channel may know, from facts and store. */
export function buildStatus(context: Context, input: ReportInput): AgentStatus {
  const facts = context.facts();
  const now = context.clock.now();
  return {
    agentVersion: AGENT_VERSION,
    pid: process.pid,
    startedAt: toInstant(facts.startedAt),
    phase: input.phase.phase,
    since: toInstant(input.since),
    sentence: input.phase.sentence,
    conditions: context.conditions.shown(now),
    identity: identityStatus(context),
    platform: {
      uri: context.settings.webServiceUri ?? null,
      keyId: context.pinnedKeyId() ?? null,
      pinned:
        context.identity.registration?.pinned ??
        (context.settings.platformKey === undefined ? 'not yet' : 'configured'),
      clockOffsetSec: input.clockOffsetSec,
      route: context.route(),
      routes: [...input.routes],
      caFile: context.settings.caFile ?? null,
    },
    network: facts.network,
    profile: {
      name: facts.profile.name,
      version: facts.profileVersion,
      suspended: facts.profile.suspendCollection,
      updatesPrevented: facts.profile.preventAutoUpdate,
      wpadEnabled: facts.profile.wpadEnabled,
      proxyFailOpen: facts.profile.proxyFailOpen,
      statusIntervalSec: statusIntervalSec(facts),
    },
    ...quietStatus(input.quiet, facts),
    modules: [...new Set(facts.activeTypes.map(moduleOfType))],
    types: typesStatus(context, facts),
    lastCheckIn: instant(facts.lastHeartbeatAt),
    nextCheckIn: facts.provisioned ? toInstant(Math.max(now, heartbeatAt(facts), facts.uplink.nextAt)) : null,
    nextProvisioning:
      facts.provisioned || !facts.configured ? null : toInstant(Math.max(now, facts.provisioning.nextAt)),
    lastActivity: context.store.kv.get('lastActivity', LastActivity) ?? null,
    pendingUpload: pendingStatus(facts),
    queue: queueStatus(context),
    collector: {
      pid: input.collector.pid,
      restarts: input.collector.restarts,
      state: facts.collecting !== null ? 'collecting' : facts.collectorUp ? 'ready' : 'down',
    },
    sensor: sensorStatus(context, input.sensor),
    busy: busyStatus(facts),
    uploads: { ...input.totals },
    log: logStatus(context),
    scanMerge: scanMergeStatus(input.scanMerge),
    development: Object.keys(facts.development).length === 0 ? null : JSON.stringify(facts.development),
  };
}

function busyStatus({ collecting, scan }: Facts): AgentStatus['busy'] {
  if (collecting === null || scan === null) return null;
  const { startedAt, ...rest } = scan;
  return { type: collecting, since: toInstant(startedAt), ...rest };
}

/** Without what is the condition's. */
function scanMergeStatus({ state, ports, reason }: ScanMergeStatus): ScanMergeStatus {
  return { state, ports: [...ports], reason };
}

function quietStatus(quiet: QuietTimes, facts: Facts): Pick<AgentStatus, 'blackout' | 'reduced'> {
  const { until, releaseAt } = facts.blackout;
  const { noCollection, noTransmission } = facts.reduced;
  const holds = noCollection.length + noTransmission.length > 0;
  return {
    blackout: {
      active: until !== null,
      until: instant(until ?? releaseAt),
      next: instant(quiet.blackout ? null : quiet.blackoutChangesAt),
    },
    reduced: {
      noCollection: [...noCollection],
      noTransmission: [...noTransmission],
      until: instant(holds ? quiet.changesAt : null),
    },
  };
}

function identityStatus(context: Context): AgentStatus['identity'] {
  const { registration, keyPair } = context.identity;
  return {
    hostId: registration?.hostId ?? null,
    hostIdPath: context.paths.hostIdFile,
    customerId: context.settings.customerId ?? null,
    activationId: context.settings.activationId ?? null,
    activationTitle: registration?.activationTitle ?? null,
    hostname: hostname(),
    agentKeyId: keyPair.keyId,
    secretStore: context.identityFiles.secretStore,
    tags: registration?.tags ?? [],
  };
}

function typesStatus(context: Context, facts: Facts): AgentStatus['types'] {
  const types: AgentStatus['types'] = {};
  for (const type of facts.activeTypes) {
    const known = facts.types[type];
    if (known !== undefined) types[type] = typeStatus(context, facts, type, known);
  }
  return types;
}

function typeStatus(context: Context, facts: Facts, type: ManifestType, known: TypeFacts): TypeStatus {
  const due = collectionRefusal(type, facts) === undefined ? dueAt(type, known, facts.profile) : null;
  const stream = streamOf(type);
  return {
    manifestVersion: known.manifest?.version ?? null,
    seq: known.seq,
    root: known.root,
    rows: known.rows,
    tables: { ...context.store.snapshots.state(type)?.tables },
    collectedAt: instant(known.collectedAt),
    uploadedAt: instant(stream === undefined ? known.uploadedAt : facts.streams[stream].uploadedAt),
    processedAt: instant(known.processedAt),
    nextDueAt: instant(due),
    intervalMin: intervalMinutes(type, facts.profile),
    spreadMin: facts.profile.scanDelayMin + facts.profile.scanRandomizeMin,
    demand: demandStatus(known.demand),
  };
}

function pendingStatus(facts: Facts): AgentStatus['pendingUpload'] {
  if (facts.pending === null) return null;
  const { type, kind, chunksSent, chunkCount, encodedBytes } = facts.pending;
  return { type, kind, chunksSent, chunkCount, encodedBytes };
}

function queueStatus(context: Context): AgentStatus['queue'] {
  const queue = { records: 0, bytes: 0, dropped: 0 };
  for (const stream of Object.values(context.store.events.stats())) {
    queue.records += stream.records;
    queue.bytes += stream.bytes;
    queue.dropped += stream.dropped;
  }
  return queue;
}
