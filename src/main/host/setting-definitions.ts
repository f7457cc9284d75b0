import { isAbsolute } from 'node:path';
import { parseUuid, PublicKey } from '../../shared/ids.ts';

/** Everything about one setting: parsing, `wayfarerctl config` and the documents are made of it. */
export interface SettingDefinition<T = unknown> {
  /** The environment variable that gives it too. */
  readonly environment: string;
  /** What a value looks like: its form, or range and unit. */
  readonly form: string;
  /** What it is for, in one sentence without its end. */
  readonly comment: string;
  /** The value of a text. Throws with the reason, which names no more than what was wrong. */
  readonly parse: (text: string) => T;
  /** In force without a value, or in place of one that is not valid; absent where nothing can stand in. */
  readonly default?: T;
  /** Without it the agent can't register. */
  readonly needed?: true;
}

/** What every setting says of itself, beside form and parsing. */
type Words = Pick<SettingDefinition, 'environment' | 'comment'>;

const uuid = (words: Words) =>
  ({ ...words, form: 'UUID', parse: parseId, needed: true }) as const satisfies SettingDefinition<string>;

function wholeNumber<const D extends number>(
  words: Words & { readonly min: number; readonly max: number; readonly default: D; readonly unit: string },
) {
  const { min, max, unit, ...rest } = words;
  const form = `whole number of ${unit} from ${String(min)} to ${String(max)}`;
  const parse = (text: string): number => {
    const number = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) throw new Error(`"${text.slice(0, 60)}" is not a ${form}`);
    return number;
  };
  return { ...rest, form, parse } satisfies SettingDefinition<number>;
}

const onOff = (words: Words & { readonly default: boolean }) =>
  ({ ...words, form: 'on or off', parse: parseSwitch }) satisfies SettingDefinition<boolean>;

/**
 * The settings of this host, by the names that installers and `agent.conf` use (R062, R066). One more is one more entry
 * here; where it has a default, a value that is not valid stops nothing.
 */
export const SETTINGS = {
  CustomerId: uuid({
    environment: 'WAYFARER_CUSTOMER_ID',
    comment: 'the customer that this host belongs to',
  }),
  ActivationId: uuid({
    environment: 'WAYFARER_ACTIVATION_ID',
    comment: 'the activation key to register with',
  }),
  WebServiceUri: {
    environment: 'WAYFARER_WEB_SERVICE_URI',
    form: 'https URL',
    comment: "the platform's address; without a port 443; /CloudAgent/ is added when missing",
    parse: normaliseUri,
    needed: true,
  },
  PlatformKey: {
    environment: 'WAYFARER_PLATFORM_KEY',
    form: 'Ed25519 public key in base64url, 43 characters',
    comment: "the platform's public key; without it the first one seen is pinned",
    parse: parsePublicKey,
  },
  CaFile: {
    environment: 'WAYFARER_CA_FILE',
    form: 'absolute path',
    comment: "a CA certificate in PEM, where the platform's CA is not one of the system's",
    parse: parsePath,
  },
  MeteredUploadLimitMb: wholeNumber({
    environment: 'WAYFARER_METERED_UPLOAD_LIMIT_MB',
    comment: 'the largest upload on a metered network; larger ones wait for another network',
    unit: 'MB',
    min: 0,
    max: 1024,
    default: 1,
  }),
  Syslog: onOff({
    environment: 'WAYFARER_SYSLOG',
    comment: "whether log lines also go to the system's syslog; not on Windows",
    default: false,
  }),
  CollectorMemoryMb: wholeNumber({
    environment: 'WAYFARER_COLLECTOR_MEMORY_MB',
    comment:
      'memory that the collector may have; one that has more is ended, and the next goes on where it ended',
    unit: 'MB',
    min: 128,
    max: 4096,
    default: 512,
  }),
  PauseBelowBatteryPct: wholeNumber({
    environment: 'WAYFARER_PAUSE_BELOW_BATTERY_PCT',
    comment: 'charge below which, on battery, no scheduled scan starts and one that runs pauses; 0: never',
    unit: 'percent',
    min: 0,
    max: 100,
    default: 20,
  }),
} as const satisfies Record<string, SettingDefinition>;

export type SettingName = keyof typeof SETTINGS;

/** The names in the order of the table. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** A setting as every reader of the table sees it. */
export const definitionOf = (name: SettingName): SettingDefinition => SETTINGS[name];

/** A setting's value as `agent.conf` would say it. */
export function settingText(value: unknown): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

function parseId(text: string): string {
  const parsed = parseUuid(text);
  if (parsed === undefined) throw new Error(`"${text.slice(0, 60)}" is not a UUID`);
  return parsed;
}

function parsePublicKey(text: string): string {
  const parsed = PublicKey.safeParse(text.trim());
  if (!parsed.success) throw new Error('is not an Ed25519 public key in base64url (43 characters)');
  return parsed.data;
}

function parsePath(text: string): string {
  if (!isAbsolute(text)) throw new Error(`"${text.slice(0, 200)}" is not an absolute path`);
  return text;
}

function parseSwitch(text: string): boolean {
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
