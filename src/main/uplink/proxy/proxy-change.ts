import type { SecretStore } from '../../host/secrets/secret-store.ts';
import type { ProxyCredentials } from './candidate.ts';
import { checkCredentials, readProxyCredentials, writeProxyCredentials } from './proxy-credentials.ts';
import { parseProxyList } from './proxy-list.ts';
import {
  parseOrder,
  parsePacLocation,
  parseSwitch,
  PROXY_SETTINGS,
  type ProxySettingChanges,
  type ProxySettingName,
  type ProxySettingsSource,
} from './proxy-settings.ts';

/** A change that the tools make: every text has been checked. */
export interface ProxyChange {
  /** Texts to set, `undefined` to take a setting out. */
  readonly settings: ProxySettingChanges;
  /** Absent: what is stored stays. */
  readonly credentials?: ProxyCredentials | 'removed';
}

/** What was asked for is not valid; the message says why, without credentials. */
export class InvalidChange extends Error {
  override readonly name = 'InvalidChange';
}

/**
 * The changes that there are; each throws `InvalidChange`. A list takes the place of a PAC file and the other way round
 * (R248, R251), and the credentials of the proxies before go with them: they were not meant for the new ones.
 */
export const proxyChanges = {
  list: (text: string): ProxyChange => {
    const { problems } = parseProxyList(text);
    if (problems.length > 0) throw new InvalidChange(`the proxy list is not valid: ${problems.join('; ')}`);
    return replacing('urls', text.trim());
  },
  pac: (text: string, platform: NodeJS.Platform): ProxyChange =>
    replacing(
      'pac',
      checked('the place of the PAC file', () => parsePacLocation(text, platform)),
    ),
  switch: (name: 'wpad' | 'system' | 'failOpen', label: string, text: string): ProxyChange =>
    single(name, text, () => (checked(label, () => parseSwitch(text)) ? 'on' : 'off')),
  order: (text: string): ProxyChange =>
    single('order', text, () => checked('the order', () => parseOrder(text))),
  credentials: (credentials: ProxyCredentials): ProxyChange => {
    checked('user or password is not valid', () => {
      checkCredentials(credentials);
    });
    return { settings: new Map(), credentials };
  },
  removeCredentials: { settings: new Map(), credentials: 'removed' },
  clear: { settings: new Map(PROXY_SETTINGS.map((name) => [name, undefined])), credentials: 'removed' },
} as const satisfies Record<string, unknown>;

function replacing(name: 'urls' | 'pac', value: string): ProxyChange {
  const other = name === 'urls' ? 'pac' : 'urls';
  return {
    settings: new Map<ProxySettingName, string | undefined>([
      [name, value],
      [other, undefined],
    ]),
    credentials: 'removed',
  };
}

/** `default` takes a setting out. */
function single(name: ProxySettingName, text: string, value: () => string): ProxyChange {
  return { settings: new Map([[name, text.trim().toLowerCase() === 'default' ? undefined : value()]]) };
}

function checked<T>(label: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidChange(`${label}: ${(error as Error).message}`);
  }
}

/** Several changes as one; of two about the same the later counts. */
export function combine(changes: readonly ProxyChange[]): ProxyChange {
  const credentials = changes.findLast((change) => change.credentials !== undefined)?.credentials;
  return {
    settings: new Map(changes.flatMap((change) => [...change.settings])),
    ...(credentials !== undefined && { credentials }),
  };
}

/**
 * Makes a change: first the credentials, then the settings; when these can't be written, the credentials are as before.
 * Throws what the file system or registry says, rejects with `SecretsUnavailable`. Made twice, it is made once.
 */
export async function applyProxyChange(
  change: ProxyChange,
  source: ProxySettingsSource,
  secrets: () => Promise<SecretStore>,
): Promise<void> {
  source.checkWritable();
  if (change.credentials === undefined) {
    source.apply(change.settings);
    return;
  }
  const store = await secrets();
  const before = await readProxyCredentials(store).catch(() => undefined);
  await writeProxyCredentials(store, change.credentials === 'removed' ? undefined : change.credentials);
  try {
    source.apply(change.settings);
  } catch (error) {
    await writeProxyCredentials(store, before);
    throw error;
  }
}
