import { EVENT_PAYLOAD_LIMITS } from '../../shared/event-payload.ts';
import type { EventStream } from '../../shared/host-events.ts';
import type { ManifestType } from '../../shared/modules.ts';
import type { Clamped, ClampedPorts, ClampedWindows, LogLevel, Profile } from '../../shared/profile.ts';
import type { DemandedScan, ScanOrigin } from '../../shared/scan.ts';

/** Why a collection of a type was asked for. */
export type CycleReason = 'manifest' | 'change' | 'resync' | 'request' | 'demand' | 'retry' | 'refused';

/** A wish for an early cycle; times in ms since the epoch, as everywhere here. */
export interface CycleRequest {
  readonly reason: CycleReason;
  readonly notBefore: number;
}

/** The last scan of a type that somebody asked for. */
export interface DemandFacts {
  readonly controlId: string;
  readonly origin: ScanOrigin;
  readonly cpuLimitPct: number;
  readonly state: DemandedScan['state'];
  readonly requestedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly reason: string;
}

/** Where the agent stands with the blackout windows of its profile; times in ms. */
export interface BlackoutFacts {
  /** The end of the window that it is in, else `null`. */
  readonly until: number | null;
  /** After the end of a window nothing is sent before. */
  readonly releaseAt: number | null;
  /** From the end of a window until upload and check-in have had their turn. */
  readonly resuming: boolean;
}

/** Types that the profile's reduced-activity periods hold back at this moment. */
export interface ReducedFacts {
  readonly noCollection: readonly ManifestType[];
  readonly noTransmission: readonly ManifestType[];
}

/** What the agent knows of one manifest type. */
export interface TypeFacts {
  /** Version and number of tasks of the verified manifest in force. */
  readonly manifest: {
    readonly version: number;
    readonly tasks: number;
    readonly tables: readonly string[];
  } | null;
  /** Sequence number both sides agreed on; 0 before the first commit. */
  readonly seq: number;
  readonly root: string | null;
  readonly rows: number;
  /** When the last collection began and ended. */
  readonly startedAt: number | null;
  readonly collectedAt: number | null;
  /** When the platform committed the last upload. */
  readonly uploadedAt: number | null;
  readonly processedAt: number | null;
  /** End of the last cycle: what intervals count from (R166). */
  readonly cycleEndedAt: number | null;
  /** Delay plus random share drawn for the next interval (R167, R168). */
  readonly spreadMs: number;
  readonly requested: CycleRequest | null;
  /** The request that the running collection serves; asked for again if the agent dies before it is sealed. */
  readonly serving: CycleRequest | null;
  /** Collections that failed in a row. */
  readonly failures: number;
  readonly demand: DemandFacts | null;
  /** No scheduled scan before: delay and chance after a blackout that held it up (R157). */
  readonly notBefore: number;
}

/** The one upload that may be under way on a host (R156, R175). */
export interface PendingFacts {
  readonly type: ManifestType;
  readonly kind: 'snapshot' | 'delta';
  readonly chunkCount: number;
  readonly chunksSent: number;
  readonly encodedBytes: number;
  /** When the next step may go: chunk starts are a delta upload interval apart (R142, R144). */
  readonly nextStepAt: number;
  /** Steps that failed in a row: an upload that keeps failing leaves room for other exchanges. */
  readonly failures: number;
}

/** The scan under way, for people who ask why the host is busy. */
export interface ScanFacts {
  readonly reason: CycleReason | 'interval';
  /** Who asked for it, if somebody did. */
  readonly origin: ScanOrigin | null;
  readonly startedAt: number;
  readonly tasksDone: number;
  readonly tasks: number;
  /** Share of a core that it may use, %. */
  readonly sharePct: number;
  /** CPU milliseconds used so far, as the collector said last. */
  readonly cpuMs: number;
  /** Why it rests at the moment. */
  readonly pausedBecause: string | null;
}

/** A charge below which scheduled scans pause. */
export interface BatteryFacts {
  readonly chargePct: number;
}

/** A back-off: how many attempts have failed in a row and when the next may start. */
export interface BackoffFacts {
  readonly failures: number;
  readonly nextAt: number;
  /** What a platform that answered asked to wait for; another network does not shorten it. */
  readonly heldUntil?: number;
}

/** The networks of the host, as far as they decide what is sent. */
export interface NetworkFacts {
  /** Whether any interface is up; taken for true until something says otherwise. */
  readonly online: boolean;
  /** Whether what is sent is paid by volume, for all that is known. */
  readonly metered: boolean;
}

/**
 * Everything that decides what the agent does next. Plain data: the plan and the status are pure functions of it, so
 * that neither can get stuck in a transition.
 */
export interface Facts {
  readonly startedAt: number;
  /** Whether customer, key and platform are set and valid. */
  readonly configured: boolean;
  /** Set when the platform removed this agent: nothing is sent any more. */
  readonly uninstalled: boolean;
  /** After an error that nobody expected: no exchange starts before. */
  readonly pausedUntil: number;
  readonly provisioned: boolean;
  readonly provisioning: BackoffFacts;
  /** Back-off after failed exchanges with a platform that knows this agent. */
  readonly uplink: BackoffFacts;
  readonly network: NetworkFacts;
  readonly blackout: BlackoutFacts;
  readonly reduced: ReducedFacts;
  /** Largest upload on a metered network, bytes as sent. */
  readonly meteredLimitBytes: number;
  /** The exchange under way, if any. */
  readonly exchanging: string | null;
  readonly profile: Profile;
  /** What the profile in force said out of range. */
  readonly profileClamped: readonly (Clamped | ClampedPorts | ClampedWindows)[];
  /** The log level that the platform asked for, for a while. */
  readonly levelOverride: LevelOverride | null;
  readonly profileVersion: number;
  /** Newest profile version that the platform announced. */
  readonly profileOffered: number;
  /** After a refused document: not asked for again before. */
  readonly documentsNotBefore: Readonly<Record<string, number>>;
  readonly manifestsOffered: Readonly<Partial<Record<ManifestType, number>>>;
  readonly activeTypes: readonly ManifestType[];
  readonly types: Readonly<Partial<Record<ManifestType, TypeFacts>>>;
  readonly lastHeartbeatAt: number | null;
  readonly heartbeatWanted: boolean;
  readonly queuedRecords: number;
  readonly pending: PendingFacts | null;
  /** The archive of logs that the platform asked for. */
  readonly logs: LogsFacts | null;
  /** Events on their way to the platform. */
  readonly streams: Readonly<Record<EventStream, StreamFacts>>;
  /** The type being collected or sealed. */
  readonly collecting: ManifestType | null;
  /** More of what is being collected. */
  readonly scan: ScanFacts | null;
  readonly collectorUp: boolean;
  /** Set while the battery is too low for scheduled scans, as far as was looked. */
  readonly batteryLow: BatteryFacts | null;
  /** Collection pauses until then because the disk is full. */
  readonly diskNotBefore: number;
  readonly lastSyncCheckAt: number | null;
  readonly syncCheckWanted: boolean;
  /** A new identity is to be taken once what is queued was offered to the platform under the old one. */
  readonly reprovisionWanted: boolean;
  /** The platform removed this agent: it leaves once what is queued was offered. */
  readonly uninstallWanted: boolean;
  readonly development: DevelopmentIntervals;
}

/** A log level that the platform asked for until a moment, ms since the epoch by this host's clock. */
export interface LevelOverride {
  readonly level: LogLevel;
  readonly until: number;
}

/** The terms of an upload beside the one of a collection; `uploadId` once the platform opened it. */
export interface SideTerms {
  readonly encodedBytes: number;
  readonly digest: string;
  readonly chunkBytes: number;
  /** Of opening the upload; a new one with every change of terms. */
  readonly idempotencyKey: string;
  readonly uploadId?: string | undefined;
}

/** How far an upload beside the one of a collection has come. */
export interface SideUpload<T extends SideTerms = SideTerms> {
  readonly terms: T;
  /** Chunks that the platform has; `null` when it has to be asked. */
  readonly held: readonly number[] | null;
  /** When the next step may go, ms since the epoch. */
  readonly nextStepAt: number;
  /** Steps that failed in a row. */
  readonly failures: number;
}

/** What is under way for a COLLECT_LOGS command. */
export interface LogsFacts extends Omit<SideUpload, 'terms'> {
  readonly command: { readonly id: string; readonly type: string };
  /** `null` until the archive is made. */
  readonly terms: SideTerms | null;
}

/** The terms of a payload of events: which part of its stream it is, for which agent. */
export interface PayloadTerms extends SideTerms {
  readonly agent: string;
  /** Position in the queue of the last record or gap. */
  readonly upTo: number;
  /** Records and gaps. */
  readonly count: number;
  readonly rawBytes: number;
}

/** What waits of one stream of events, and the payload of it that is under way. Times in ms since the epoch. */
export interface StreamFacts {
  /** What is queued, bytes as they count against the disk limit. */
  readonly bytes: number;
  /** Since when the oldest of it waits; `null`: nothing does. */
  readonly waitingSince: number | null;
  /** No payload before: chunks are a delta upload interval apart, also those of two payloads. */
  readonly notBefore: number;
  /** Most records of the next payload: fewer after a platform took one for too large. */
  readonly mostRecords: number;
  readonly payload: SideUpload<PayloadTerms> | null;
  /** When the platform took the last payload. */
  readonly uploadedAt: number | null;
  /** Records that the platform refused, in all. */
  readonly refused: number;
}

/** Intervals that a developer or a test shortened; empty in production. */
export interface DevelopmentIntervals {
  readonly statusIntervalSec?: number;
  readonly deltaUploadIntervalSec?: number;
  readonly changeGapSec?: number;
  readonly payloadThresholdSec?: number;
  readonly retrySec?: number;
  readonly samplesApartSec?: number;
}

/** What is taken for granted before a monitor has looked: an attempt tells more than a guess. */
export const anyNetwork: NetworkFacts = { online: true, metered: false };

export const emptyTypeFacts: TypeFacts = {
  manifest: null,
  seq: 0,
  root: null,
  rows: 0,
  startedAt: null,
  collectedAt: null,
  uploadedAt: null,
  processedAt: null,
  cycleEndedAt: null,
  spreadMs: 0,
  requested: null,
  serving: null,
  failures: 0,
  demand: null,
  notBefore: 0,
};

/** Nothing is held back. */
export const nothingReduced: ReducedFacts = { noCollection: [], noTransmission: [] };

/** Nothing is queued of a stream. */
export const emptyStream: StreamFacts = {
  bytes: 0,
  waitingSince: null,
  notBefore: 0,
  mostRecords: EVENT_PAYLOAD_LIMITS.lines,
  payload: null,
  uploadedAt: null,
  refused: 0,
};

/** The streams with something changed in each. */
export const mapStreams = (
  { fim, edr }: Facts['streams'],
  change: (stream: StreamFacts) => StreamFacts,
): Facts['streams'] => ({ fim: change(fim), edr: change(edr) });
