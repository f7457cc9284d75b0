import { isAbsolute } from 'node:path';
import { parseUuid, PublicKey } from '../../shared/ids.ts';

/** Settings of this host, by the names that installers and `agent.conf` use (R062, R066). */
export const SETTING_NAMES = [
  'CustomerId',
  'ActivationId',
  'WebServiceUri',
  'PlatformKey',
  'CaFile',
  'MeteredUploadLimitMb',
  'Syslog',
  'CollectorMemoryMb',
  'PauseBelowBatteryPct',
] as const;
export type SettingName = (typeof SETTING_NAMES)[number];

/** A setting's text and where it came from: shown when it is wrong. */
export interface Given {
  readonly value: string;
  readonly source: string;
}
export type RawSettings = Partial<Record<SettingName, Given>>;

/** A setting that cannot be used. */
export interface SettingProblem {
  readonly setting: string;
  readonly source: string;
  readonly reason: string;
  /** The agent works without it: a line that is no setting, a setting whose default serves. */
  readonly harmless?: true;
  /** The command that mends it, where no value is wrong but the rights of the file are. */
  readonly remedy?: string;
}

/** What the agent needs to know before its first request. Absent ones stand in `missing`. */
export interface Settings {
  readonly customerId?: string;
  readonly activationId?: string;
  /** Normalised: https, ends in `/CloudAgent/`. */
  readonly webServiceUri?: string;
  readonly platformKey?: string;
  readonly caFile?: string;
  /** Largest upload on a metered network, MB (1024² bytes), 0–1024. */
  readonly meteredUploadLimitMb: number;
  /** Whether log lines also go to the system's syslog (Unix). */
  readonly syslog: boolean;
  /** Memory that the collector may have, MB (1024² bytes), 128–4096. */
  readonly collectorMemoryMb: number;
  /** Charge below which scheduled scans pause on battery, %, 0–100; 0: they never do. */
  readonly pauseBelowBatteryPct: number;
  readonly missing: readonly SettingName[];
  readonly problems: readonly SettingProblem[];
}

const ENVIRONMENT: Record<SettingName, string> = {
  CustomerId: 'WAYFARER_CUSTOMER_ID',
  ActivationId: 'WAYFARER_ACTIVATION_ID',
  WebServiceUri: 'WAYFARER_WEB_SERVICE_URI',
  PlatformKey: 'WAYFARER_PLATFORM_KEY',
  CaFile: 'WAYFARER_CA_FILE',
  MeteredUploadLimitMb: 'WAYFARER_METERED_UPLOAD_LIMIT_MB',
  Syslog: 'WAYFARER_SYSLOG',
  CollectorMemoryMb: 'WAYFARER_COLLECTOR_MEMORY_MB',
  PauseBelowBatteryPct: 'WAYFARER_PAUSE_BELOW_BATTERY_PCT',
};

/** Settings whose default takes the place of a value that is not valid. */
const HAS_DEFAULT: readonly SettingName[] = [
  'MeteredUploadLimitMb',
  'Syslog',
  'CollectorMemoryMb',
  'PauseBelowBatteryPct',
];

/** Ranges and defaults of settings that are numbers (product, "Parameters"), and what they count. */
const METERED_LIMIT_MB = { min: 0, max: 1024, default: 1, unit: 'MB' } as const;
const COLLECTOR_MEMORY_MB = { min: 128, max: 4096, default: 512, unit: 'MB' } as const;
const PAUSE_BELOW_PCT = { min: 0, max: 100, default: 20, unit: 'percent' } as const;

/**
 * Reads `agent.conf`: one `Name=value` a line, `#` begins a comment line, names in any case. A line that can't be used
 * is named with its number and ignored; the rest applies. Of a name that stands twice the last value counts; a line
 * without one says nothing, as in a template that nobody filled in.
 */
export function parseSettingsFile(
  text: string,
  path: string,
): { settings: RawSettings; problems: SettingProblem[] } {
  const settings: RawSettings = {};
  const problems: SettingProblem[] = [];
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const source = `${path}:${String(index + 1)}`;
    const match = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line);
    const name = SETTING_NAMES.find((known) => known.toLowerCase() === match?.[1]?.toLowerCase());
    const value = (match?.[2] ?? '').replace(/^"(.*)"$/, '$1');
    if (match === null || name === undefined) {
      problems.push({
        setting: firstWord(line),
        source,
        reason: 'is not a setting, the line is ignored',
        harmless: true,
      });
    } else if (value !== '') {
      settings[name] = { value, source };
    }
  });
  return { settings, problems };
}

/** What a line names; never its value, which everyone would read in the status and which may be a password. */
function firstWord(line: string): string {
  return /^[\w.-]{1,40}/.exec(line)?.[0] ?? 'this line';
}

/** The settings that environment variables give. */
export function settingsFromEnvironment(environment: NodeJS.ProcessEnv): RawSettings {
  const settings: RawSettings = {};
  for (const name of SETTING_NAMES) {
    const value = environment[ENVIRONMENT[name]];
    if (value !== undefined && value !== '') settings[name] = { value, source: ENVIRONMENT[name] };
  }
  return settings;
}

/**
 * Checks and merges settings; the first source that has a setting wins. A value that is not valid is a problem and
 * does not fall through to a later source: what an administrator wrote is never silently replaced.
 */
export function resolveSettings(
  sources: readonly RawSettings[],
  fileProblems: readonly SettingProblem[] = [],
): Settings {
  const problems: SettingProblem[] = [];
  const value = <T>(name: SettingName, parse: (text: string) => T): T | undefined => {
    const given = sources.map((source) => source[name]).find((candidate) => candidate !== undefined);
    if (given === undefined) return undefined;
    try {
      return parse(given.value);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push({
        setting: name,
        source: given.source,
        reason,
        ...(HAS_DEFAULT.includes(name) && { harmless: true }),
      });
      return undefined;
    }
  };
  const customerId = value('CustomerId', uuid);
  const activationId = value('ActivationId', uuid);
  const webServiceUri = value('WebServiceUri', normaliseUri);
  const platformKey = value('PlatformKey', publicKey);
  const caFile = value('CaFile', absolutePath);
  const meteredUploadLimitMb =
    value('MeteredUploadLimitMb', wholeNumber(METERED_LIMIT_MB)) ?? METERED_LIMIT_MB.default;
  const syslog = value('Syslog', onOrOff) ?? false;
  const collectorMemoryMb =
    value('CollectorMemoryMb', wholeNumber(COLLECTOR_MEMORY_MB)) ?? COLLECTOR_MEMORY_MB.default;
  const pauseBelowBatteryPct =
    value('PauseBelowBatteryPct', wholeNumber(PAUSE_BELOW_PCT)) ?? PAUSE_BELOW_PCT.default;
  const needed = { CustomerId: customerId, ActivationId: activationId, WebServiceUri: webServiceUri };
  const wrong = new Set(problems.map((problem) => problem.setting));
  return {
    ...(customerId !== undefined && { customerId }),
    ...(activationId !== undefined && { activationId }),
    ...(webServiceUri !== undefined && { webServiceUri }),
    ...(platformKey !== undefined && { platformKey }),
    ...(caFile !== undefined && { caFile }),
    meteredUploadLimitMb,
    syslog,
    collectorMemoryMb,
    pauseBelowBatteryPct,
    missing: SETTING_NAMES.filter(
      (name) => name in needed && needed[name as keyof typeof needed] === undefined && !wrong.has(name),
    ),
    problems: [...fileProblems, ...problems],
  };
}

function uuid(text: string): string {
  const parsed = parseUuid(text);
  if (parsed === undefined) throw new Error(`"${text.slice(0, 60)}" is not a UUID`);
  return parsed;
}

function publicKey(text: string): string {
  const parsed = PublicKey.safeParse(text.trim());
  if (!parsed.success) throw new Error('is not an Ed25519 public key in base64url (43 characters)');
  return parsed.data;
}

function absolutePath(text: string): string {
  if (!isAbsolute(text)) throw new Error(`"${text.slice(0, 200)}" is not an absolute path`);
  return text;
}

function wholeNumber(range: { readonly min: number; readonly max: number; readonly unit: string }) {
  const { min, max, unit } = range;
  return (text: string): number => {
    const number = /^\d{1,6}$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw new Error(`"${text.slice(0, 60)}" is not a whole number of ${unit} from ${min} to ${max}`);
    }
    return number;
  };
}

function onOrOff(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (word !== 'on' && word !== 'off') throw new Error(`"${text.slice(0, 60)}" is neither on nor off`);
  return word === 'on';
}

/** The base URL of a platform: https only (R002), no credentials, ending in `/CloudAgent/` (protocol). Throws with the reason. */
export function normaliseUri(text: string): string {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    throw new Error(
      `"${text.slice(0, 200).replace(/\S*@/g, '…@')}" is not a URL; it should look like https://platform.example.com/CloudAgent/`,
    );
  }
  if (url.protocol !== 'https:')
    throw new Error(`${url.protocol}// is refused: the platform is reached over https only`);
  if (url.username !== '' || url.password !== '') throw new Error('must not carry credentials');
  if (url.search !== '' || url.hash !== '') throw new Error('must not carry a query or a fragment');
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path.endsWith('/CloudAgent') ? path : `${path}/CloudAgent`}/`;
}
