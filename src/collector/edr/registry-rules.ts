import { cut } from './program.ts';
import type { EdrRuleParams } from '../../shared/process-events.ts';
import { severityNumber, type RegistryValue } from '../../shared/host-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { RegistryChange } from '../fim/windows/audit-events.ts';
import { encodeHostText } from '../text.ts';

/** A rule of the table `registry_events` with the id of its task. */
export type RegistryRule = EdrRuleParams<'registry_events'> & { readonly id: string };

/** Long names of the hives that rules may use. */
const HIVES: readonly (readonly [long: string, short: string])[] = [
  ['hkey_local_machine', 'hklm'],
  ['hkey_users', 'hku'],
  ['hkey_current_user', 'hkcu'],
];

/**
 * The event of a registry value that was set or deleted below a key of a rule (R201); `undefined` where no rule has it. A
 * key below HKCU is that of every user.
 */
export function registryEvent(
  change: RegistryChange,
  rules: readonly RegistryRule[],
  uuid: () => string,
): UnsealedEdrEvent | undefined {
  const rule = rules.find(({ keys }) => keys.some((named) => isBelow(change.key, named)));
  if (rule === undefined) return undefined;
  return {
    '@timestamp': new Date(change.at).toISOString(),
    event: {
      id: uuid(),
      kind: 'event',
      module: 'edr',
      category: ['registry'],
      type: [change.operation],
      action: 'registry_value_set',
      severity: severityNumber(rule.severity),
      provider: 'security log',
    },
    rule: { id: rule.id },
    registry: registryFields(change),
    process: change.process,
    ...(change.user === undefined ? {} : { user: change.user }),
    wayfarer: {
      severity: rule.severity,
      item: cut(encodeHostText(`${change.key}\\${change.value}`, 'win32'), 4_096),
    },
  };
}

/** A value as the Elastic Common Schema names it. */
export function registryFields({ key, value }: Pick<RegistryChange, 'key' | 'value'>): RegistryValue {
  const [hive = '', ...rest] = key.split('\\');
  return {
    hive,
    key: cut(encodeHostText(rest.join('\\'), 'win32'), 4_096),
    value: cut(encodeHostText(value, 'win32'), 1_024),
  };
}

/** Whether a key is the named one or below it. */
function isBelow(key: string, named: string): boolean {
  const wanted = shortKey(named).toLowerCase();
  const names = namesOfKey(key).map((name) => name.toLowerCase());
  return names.some((name) => name === wanted || name.startsWith(`${wanted}\\`));
}

/** A key as the log's are written here: the hive by its short name, no separator at the end. */
export function shortKey(named: string): string {
  const key = named.replace(/\\+$/, '');
  const lower = key.toLowerCase();
  const found = HIVES.find(([long, short]) => [long, short].some((hive) => isHive(lower, hive)));
  if (found === undefined) return key;
  const [long, short] = found;
  return short.toUpperCase() + key.slice(isHive(lower, long) ? long.length : short.length);
}

const isHive = (key: string, hive: string): boolean => key === hive || key.startsWith(`${hive}\\`);

/** Whether a name of a key begins with a hive that is known here. */
export const hasHive = (key: string): boolean =>
  HIVES.some(([, short]) => isHive(shortKey(key).toLowerCase(), short));

/**
 * The names that people have for a key of the log, which knows keys by what they really are: one below the hive of any user is
 * below HKCU as well, the classes of a user are a hive of their own (`SID_Classes`) that stands in that one as
 * `Software\Classes`, one of a numbered set of control below CurrentControlSet, which is a link.
 */
export function namesOfKey(key: string): string[] {
  const classes = /^hku\\([^\\]+)_classes(\\.*)?$/is.exec(key);
  if (classes !== null) {
    const [, user = '', rest = ''] = classes;
    return [key, `HKU\\${user}\\Software\\Classes${rest}`, `HKCU\\Software\\Classes${rest}`];
  }
  const ofUser = /^hku\\[^\\]+(\\.*)?$/is.exec(key);
  if (ofUser !== null) return [key, `HKCU${ofUser[1] ?? ''}`];
  const ofControl = /^(hklm\\system\\)controlset\d{3}(\\.*)?$/is.exec(key);
  if (ofControl !== null) return [key, `${ofControl[1] ?? ''}CurrentControlSet${ofControl[2] ?? ''}`];
  return [key];
}
