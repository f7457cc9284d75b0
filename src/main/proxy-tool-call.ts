import type { ProxyCredentials } from './uplink/proxy/candidate.ts';
import { combine, InvalidChange, proxyChanges, type ProxyChange } from './uplink/proxy/proxy-change.ts';

/** The options of `WayfarerProxy`; all but `/d` take a value. */
const OPTIONS = ['u', 'n', 'p', 'a', 'd', 'w', 'h'] as const;
type Option = (typeof OPTIONS)[number];

/** `/x` is named beside `/u` in the documentation of this dialect and means the PAC file (C3). */
const ALIASES: Readonly<Record<string, Option>> = { x: 'a' };

/** A value of `/p` that has the password read from standard input. */
const FROM_STDIN = '-';

/** What a call asks for, checked. */
export type ProxyToolCall =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'change';
      readonly change: ProxyChange;
      /** The user, where the password comes from standard input and is added by `withPassword`. */
      readonly userFromStdin?: string;
    };

/**
 * Reads the arguments of a call. An option begins with `/` or `-`, in any case (R247): `/u` a list of proxies or `/a` a
 * PAC file (R248, R251, C5), either with `/n` user and `/p` password (R249, R250, C4), `/w` and `/h` on or off (R253,
 * R254), beside these or alone; `/d` alone (R252). In values `\"` stands for `"` (R255). Throws `InvalidChange`, whose
 * message repeats neither user nor password.
 */
export function parseProxyToolCall(args: readonly string[], platform: NodeJS.Platform): ProxyToolCall {
  if (args.some((arg) => /^(--help|-\?|\/\?)$/i.test(arg))) return { kind: 'help' };
  const values = optionsOf(args);
  if (values.size === 0) throw new InvalidChange('nothing is asked for');
  if (values.has('d')) {
    if (values.size > 1) throw new InvalidChange('/d deletes all settings and stands alone');
    return { kind: 'change', change: proxyChanges.clear };
  }
  checkTogether(values);
  const { credentials, userFromStdin } = credentialsOf(values);
  const changes = [
    ...each(values, 'u', proxyChanges.list),
    ...each(values, 'a', (text) => proxyChanges.pac(text, platform)),
    ...each(values, 'w', (text) => proxyChanges.switch('wpad', '/w', onOrOff('/w', text))),
    ...each(values, 'h', (text) => proxyChanges.switch('system', '/h', onOrOff('/h', text))),
    ...(credentials === undefined ? [] : [proxyChanges.credentials(credentials)]),
  ];
  return { kind: 'change', change: combine(changes), ...(userFromStdin !== undefined && { userFromStdin }) };
}

/** The change with the password that was read for its user. Throws `InvalidChange`. */
export function withPassword(change: ProxyChange, username: string, password: string): ProxyChange {
  return combine([change, proxyChanges.credentials({ username, password })]);
}

function optionsOf(args: readonly string[]): ReadonlyMap<Option, string> {
  const values = new Map<Option, string>();
  for (let at = 0; at < args.length; at += 1) {
    const option = optionOf(args[at] ?? '');
    if (option === undefined) {
      // A value that lost its option may be a password.
      throw new InvalidChange(`argument ${at + 1} is neither an option nor the value of one`);
    }
    if (values.has(option)) throw new InvalidChange(`/${option} is given twice`);
    if (option === 'd') {
      values.set(option, '');
      continue;
    }
    at += 1;
    const value = args[at];
    if (value === undefined || optionOf(value) !== undefined) {
      throw new InvalidChange(`/${option} has no value`);
    }
    values.set(option, value.replaceAll('\\"', '"'));
  }
  return values;
}

function optionOf(arg: string): Option | undefined {
  const letter = /^[/-]([a-z])$/i.exec(arg)?.[1]?.toLowerCase() ?? '';
  return OPTIONS.find((option) => option === (Object.hasOwn(ALIASES, letter) ? ALIASES[letter] : letter));
}

function checkTogether(values: ReadonlyMap<Option, string>): void {
  if (values.has('u') && values.has('a')) throw new InvalidChange('/u and /a exclude each other');
  const proxies = values.has('u') || values.has('a');
  for (const option of ['n', 'p'] as const) {
    if (values.has(option) && !proxies) throw new InvalidChange(`/${option} needs /u or /a`);
  }
  if (values.has('n') !== values.has('p')) {
    throw new InvalidChange('/n and /p belong together; "/p -" reads the password from standard input');
  }
}

function credentialsOf(values: ReadonlyMap<Option, string>): {
  readonly credentials?: ProxyCredentials;
  readonly userFromStdin?: string;
} {
  const [username, password] = [values.get('n'), values.get('p')];
  if (username === undefined || password === undefined) return {};
  return password === FROM_STDIN ? { userFromStdin: username } : { credentials: { username, password } };
}

function each(
  values: ReadonlyMap<Option, string>,
  option: Option,
  make: (text: string) => ProxyChange,
): ProxyChange[] {
  const value = values.get(option);
  return value === undefined ? [] : [make(value)];
}

/** This dialect has no third state. */
function onOrOff(option: string, text: string): string {
  if (!/^(on|off)$/i.test(text)) throw new InvalidChange(`${option} is on or off`);
  return text;
}
