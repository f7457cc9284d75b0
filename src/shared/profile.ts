import { z } from 'zod';
import { MODULES, type ManifestType } from './modules.ts';
import { coverWholeWeek } from './weekly-windows.ts';

/** Range and default of one numeric profile parameter (product, "Parameters"). The unit is part of the name. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** Every numeric parameter of a configuration profile. */
export const NUMBER_PARAMETERS = {
  statusIntervalSec: { min: 900, max: 2700, default: 900 },
  deltaUploadIntervalSec: { min: 1, max: 1800, default: 10 },
  chunkSizeKb: { min: 64, max: 10_240, default: 1024 },
  networkThrottleTxKbps: { min: 0, max: 1_000_000, default: 0 },
  cpuLimitPct: { min: 2, max: 100, default: 5 },
  cpuThrottleMs: { min: 0, max: 1000, default: 20 },
  vmIntervalMin: { min: 240, max: 43_200, default: 240 },
  pcIntervalMin: { min: 240, max: 43_200, default: 240 },
  scaIntervalMin: { min: 240, max: 43_200, default: 240 },
  pmIntervalMin: { min: 240, max: 43_200, default: 1440 },
  scanDelayMin: { min: 0, max: 720, default: 0 },
  scanRandomizeMin: { min: 0, max: 720, default: 0 },
  onDemandCpuLimitPct: { min: 2, max: 100, default: 100 },
  fimPayloadKb: { min: 1, max: 10_240, default: 1024 },
  fimPayloadThresholdSec: { min: 30, max: 1800, default: 30 },
  fimMaxDiskMb: { min: 10, max: 10_240, default: 300 },
  fimRescanHours: { min: 1, max: 168, default: 24 },
  edrPayloadKb: { min: 1, max: 10_240, default: 1024 },
  edrPayloadThresholdSec: { min: 30, max: 1800, default: 60 },
  edrMaxDiskMb: { min: 10, max: 10_240, default: 300 },
  requestTimeoutSec: { min: 5, max: 600, default: 60 },
} as const satisfies Record<string, NumberRange>;
export type NumberParameter = keyof typeof NUMBER_PARAMETERS;

/** Every switch of a configuration profile, with its default. */
export const SWITCH_PARAMETERS = {
  suspendCollection: false,
  preventAutoUpdate: false,
  fimEnabled: false,
  edrEnabled: false,
  pmEnabled: true,
  scanMergeEnabled: false,
  scanMergeBindAll: false,
  wpadEnabled: false,
  proxyFailOpen: true,
} as const satisfies Record<string, boolean>;
export type SwitchParameter = keyof typeof SWITCH_PARAMETERS;

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const PRESETS = ['LOW', 'NORMAL', 'HIGH', 'CUSTOM'] as const;
export type Preset = (typeof PRESETS)[number];

/** What the presets set (product, "Parameters"; C11). CUSTOM sets nothing by itself (R141). */
export const PRESET_VALUES: Readonly<
  Record<Exclude<Preset, 'CUSTOM'>, Partial<Record<NumberParameter, number>>>
> = {
  LOW: {
    statusIntervalSec: 2700,
    deltaUploadIntervalSec: 10,
    chunkSizeKb: 1024,
    networkThrottleTxKbps: 256,
    cpuLimitPct: 5,
    cpuThrottleMs: 20,
  },
  NORMAL: {
    statusIntervalSec: 1800,
    deltaUploadIntervalSec: 5,
    chunkSizeKb: 2048,
    networkThrottleTxKbps: 1024,
    cpuLimitPct: 20,
    cpuThrottleMs: 10,
  },
  HIGH: {
    statusIntervalSec: 900,
    deltaUploadIntervalSec: 1,
    chunkSizeKb: 4096,
    networkThrottleTxKbps: 0,
    cpuLimitPct: 80,
    cpuThrottleMs: 0,
  },
};

/** ISO weekday numbers, 1 = Monday; times in host local time; an end before the start crosses midnight (C12). */
export const BlackoutWindowSchema = z.object({
  days: z.array(z.number().int().min(1).max(7)).min(1).max(7),
  start: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  end: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
});
export type BlackoutWindow = z.infer<typeof BlackoutWindowSchema>;

/** Most windows, and most periods, of one profile. */
export const MAX_WINDOWS = 64;

/**
 * A time of the week in which some modules, or all without a list, hold back: no scheduled scan of theirs starts, or nothing
 * of theirs is uploaded, or both. Unlike in a blackout the agent checks in, and scans on demand run.
 */
export const ReducedActivitySchema = BlackoutWindowSchema.extend({
  modules: z.array(z.enum(MODULES)).max(MODULES.length).default([]),
  holds: z
    .array(z.enum(['collection', 'transmission']))
    .min(1)
    .max(2),
});
export type ReducedActivity = z.infer<typeof ReducedActivitySchema>;

/** Ports that the correlation endpoint may listen on (R271), and how many a list may hold. */
export const DEFAULT_SCAN_MERGE_PORTS = [10001, 10002, 10003, 10004, 10005] as const;
export const MAX_SCAN_MERGE_PORTS = 32;
export const TcpPort = z.number().int().min(1).max(65_535);

/** Where a host counts as on the premises (R274, R275): every field that is set has to hold. */
export const OnPremiseSchema = z.object({
  /** Network in CIDR notation, IPv4 or IPv6; `0.0.0.0/0` holds everywhere. */
  ipRange: z.string().max(64).default('0.0.0.0/0'),
  gateway: z.string().max(64).optional(),
  subnetMask: z.string().max(64).optional(),
  /** Linear-time regular expression (RE2) over a DNS suffix of the host. */
  dnsSuffix: z.string().max(256).optional(),
});
export type OnPremise = z.infer<typeof OnPremiseSchema>;

const numbers = Object.fromEntries(
  Object.entries(NUMBER_PARAMETERS).map(([name, range]) => [name, z.number().default(range.default)]),
) as Record<NumberParameter, z.ZodDefault<z.ZodNumber>>;

const switches = Object.fromEntries(
  Object.entries(SWITCH_PARAMETERS).map(([name, value]) => [name, z.boolean().default(value)]),
) as Record<SwitchParameter, z.ZodDefault<z.ZodBoolean>>;

/** A configuration profile as it travels: shape checked, ranges not, so that an agent can clamp instead of failing. */
export const ProfileSchema = z.object({
  id: z.string().min(1).max(64),
  name: z.string().min(1).max(200),
  description: z.string().max(2_000).default(''),
  preset: z.enum(PRESETS).catch('CUSTOM').default('CUSTOM'),
  logLevel: z.enum(LOG_LEVELS).catch('info').default('info'),
  blackoutWindows: z.array(BlackoutWindowSchema).max(MAX_WINDOWS).default([]),
  reducedActivity: z.array(ReducedActivitySchema).max(MAX_WINDOWS).default([]),
  scanMergePorts: z
    .array(z.number())
    .max(256)
    .default([...DEFAULT_SCAN_MERGE_PORTS]),
  onPremise: OnPremiseSchema.default({ ipRange: '0.0.0.0/0' }),
  ...numbers,
  ...switches,
});
export type Profile = z.infer<typeof ProfileSchema>;

/** A value that a profile had out of its range, and what was used instead. */
export interface Clamped {
  readonly parameter: NumberParameter;
  readonly given: number;
  readonly used: number;
}

/** Values of a profile outside their ranges: what a platform refuses in its editor (product, "Parameters"). */
export function outOfRange(profile: Profile): Clamped[] {
  const found: Clamped[] = [];
  for (const parameter of Object.keys(NUMBER_PARAMETERS) as NumberParameter[]) {
    const range = NUMBER_PARAMETERS[parameter];
    const given = profile[parameter];
    const used = Math.min(range.max, Math.max(range.min, Math.round(given)));
    if (used !== given) found.push({ parameter, given, used });
  }
  return found;
}

/** Blackout windows that would keep an agent from ever hearing of another profile. */
export interface ClampedWindows {
  readonly parameter: 'blackoutWindows';
  readonly given: 'the whole week';
  readonly used: 'none';
}

/** A list of ports of which some, or all, can't be used, and the list that is used instead. */
export interface ClampedPorts {
  readonly parameter: 'scanMergePorts';
  readonly given: string;
  readonly used: string;
}

/**
 * The profile with every value in its range, and what had to be changed (product: the agent clamps and reports). Ports
 * come out ascending, each once; without a single one that can be used the default ones are. Blackout windows that leave
 * no minute of the week are none.
 */
export function clampProfile(profile: Profile): {
  profile: Profile;
  clamped: (Clamped | ClampedPorts | ClampedWindows)[];
} {
  const clamped = outOfRange(profile);
  const ports = clampPorts(profile.scanMergePorts);
  const windows = clampWindows(profile.blackoutWindows);
  const used: Profile = { ...profile, scanMergePorts: ports.used, blackoutWindows: windows.used };
  for (const value of clamped) used[value.parameter] = value.used;
  return { profile: used, clamped: [...clamped, ...ports.clamped, ...windows.clamped] };
}

function clampWindows(given: BlackoutWindow[]): { used: BlackoutWindow[]; clamped: ClampedWindows[] } {
  if (!coverWholeWeek(given)) return { used: given, clamped: [] };
  return { used: [], clamped: [{ parameter: 'blackoutWindows', given: 'the whole week', used: 'none' }] };
}

function clampPorts(given: readonly number[]): { used: number[]; clamped: ClampedPorts[] } {
  const distinct = [...new Set(given)];
  const usable = distinct.filter((port) => TcpPort.safeParse(port).success).sort((a, b) => a - b);
  const used = usable.length === 0 ? [...DEFAULT_SCAN_MERGE_PORTS] : usable.slice(0, MAX_SCAN_MERGE_PORTS);
  if (used.length === distinct.length && usable.length > 0) return { used, clamped: [] };
  const clamped = {
    parameter: 'scanMergePorts',
    given: given.join(',').slice(0, 200),
    used: used.join(','),
  } as const;
  return { used, clamped: [clamped] };
}

/** Share of one core in percent that a throttle of `ms` stands for (R149). */
export function shareOfThrottle(ms: number): number {
  if (ms <= 0) return 100;
  if (ms <= 10) return 20;
  if (ms <= 20) return 10;
  return 5;
}

/** Share of one core in percent that a profile allows: its limit counts on Windows, its throttle elsewhere (R146–R149). */
export function cpuSharePct(
  limits: Pick<Profile, 'cpuLimitPct' | 'cpuThrottleMs'>,
  platform: string,
): number {
  return platform === 'win32' ? limits.cpuLimitPct : shareOfThrottle(limits.cpuThrottleMs);
}

/** Minutes between the end of one cycle of a type and the start of the next (R159–R165, R171). */
export function intervalMinutes(type: ManifestType, profile: Profile): number {
  switch (type) {
    case 'Inventory':
      return 1440;
    case 'Vulnerability':
      return profile.vmIntervalMin;
    case 'PolicyCompliance':
      return profile.pcIntervalMin;
    case 'SCA':
      return profile.scaIntervalMin;
    case 'PatchAssessment':
      return profile.pmIntervalMin;
    case 'UDC':
    case 'AutoDiscovery':
    case 'MiddlewarePC':
    case 'FIM':
    case 'EDR':
      return 240;
  }
}

/** The profile an agent runs under before its first download: every default. */
export function defaultProfile(): Profile {
  return ProfileSchema.parse({ id: 'builtin', name: 'Built-in defaults' });
}
