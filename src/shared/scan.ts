import { z } from 'zod';
import { Uuid } from './ids.ts';
import type { ManifestType } from './modules.ts';

/** The types that can be scanned on demand and at startup (R173, R179), by the short names of the command line dialects. */
export const ON_DEMAND_TYPES = {
  inv: 'Inventory',
  vm: 'Vulnerability',
  pc: 'PolicyCompliance',
  udc: 'UDC',
  sca: 'SCA',
} as const satisfies Readonly<Record<string, ManifestType>>;
export type OnDemandType = (typeof ON_DEMAND_TYPES)[keyof typeof ON_DEMAND_TYPES];

const TYPES = Object.values(ON_DEMAND_TYPES) as [OnDemandType, ...OnDemandType[]];

/** Range of the CPU limit of one scan, % of a core (R180). */
export const SCAN_CPU_LIMIT = { min: 2, max: 100 } as const;

/** Why a scan was not accepted; the order is that of the decision (protocol, scheduler rule 6). */
export const SCAN_REFUSALS = {
  NOT_PROVISIONED: 'this host is not registered with a platform',
  MODULE_NOT_ACTIVE: 'its module is not active on this host',
  NO_SCAN: 'its events are reported as they happen: there is nothing to scan',
  NO_MANIFEST: 'its manifest has not been downloaded yet',
  SUSPENDED: 'collection is suspended by the configuration profile',
  COLLECTION_RUNNING: 'another collection is running; ask again when it is done',
  DELTA_PENDING: 'an earlier result waits for its upload or is being uploaded; ask again when it is done',
} as const;
export type ScanRefusal = keyof typeof SCAN_REFUSALS;

/** Who asked for a scan, as it stands in log and status. */
export const SCAN_ORIGINS = ['user', 'administrator', 'ScanOnDemand', 'ScanOnStartup', 'platform'] as const;
export type ScanOrigin = (typeof SCAN_ORIGINS)[number];

/** Body of `POST /v1/scan` on either endpoint: scan this type now. Above the profile's own limit: administrators only. */
export const ScanRequest = z.strictObject({
  type: z.enum(TYPES),
  cpuLimitPct: z.number().int().min(SCAN_CPU_LIMIT.min).max(SCAN_CPU_LIMIT.max).optional(),
  /** A scan on demand, by its control id, that this one is to follow: while that one is under way, it waits for its end. */
  after: Uuid.optional(),
});
export type ScanRequest = z.infer<typeof ScanRequest>;

/** The scan was accepted. `cpuLimitPct` is the share of one core that it may use. */
export const ScanReply = z.object({ controlId: Uuid, type: z.enum(TYPES), cpuLimitPct: z.number() });
export type ScanReply = z.infer<typeof ScanReply>;

/** The last scan of a type that somebody asked for, and what became of it. `done`: the platform has its result. */
export const DemandedScan = z.object({
  controlId: Uuid,
  origin: z.enum(SCAN_ORIGINS),
  cpuLimitPct: z.number(),
  state: z.enum(['accepted', 'running', 'uploading', 'done', 'failed']),
  requestedAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable(),
  /** Why it failed; empty otherwise. */
  reason: z.string(),
});
export type DemandedScan = z.infer<typeof DemandedScan>;

/** Whether a scan is accepted and has not ended. */
export const isUnderWay = ({ state }: Pick<DemandedScan, 'state'>): boolean =>
  state !== 'done' && state !== 'failed';

/** The type that somebody names, by its short or its long name in any case. */
export function onDemandType(name: string): OnDemandType | undefined {
  const wanted = name.toLowerCase();
  const found = Object.entries(ON_DEMAND_TYPES).find(
    ([short, long]) => short === wanted || long.toLowerCase() === wanted,
  );
  return found?.[1];
}

export const isOnDemandType = (type: ManifestType): type is OnDemandType =>
  TYPES.some((known) => known === type);
