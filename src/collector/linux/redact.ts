/** What replaces a secret. */
const BLANK = '[redacted]';

/** Words that name a secret, also as a part of a longer name: DB_PASSWORD, ssl-key-passphrase, apiKey. */
const WORD =
  '(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|credentials?|psk|community)';

const NAMES_SECRET = new RegExp(WORD, 'i');
const ENDS_WITH_SECRET = new RegExp(`${WORD}$`, 'i');

/**
 * Lines come from files that people own, and a pattern with two open ends would take time in the square of a line's
 * length or worse. So names are taken one by one, and what follows a name is looked at from its end alone.
 */
const NAME = /[\w.-]+/g;
const VALUE = `(?:"[^"]*"|'[^']*'|[^\\s;,&]+)`;

/** `= value` or `: value` after any name with such a word; ` value` after one that ends with it. */
const ASSIGNED = new RegExp(`(["']?\\s*[=:]\\s*)${VALUE}`, 'y');
const SPACED = new RegExp(`(\\s+)(?![=:[])${VALUE}`, 'y');

/** A name whose value may follow after a blank: the first of the line, or an option of a command. */
const isOption = (line: string, at: number, name: string): boolean =>
  (name.startsWith('-') && (at === 0 || /\s/.test(line.charAt(at - 1)))) || line.slice(0, at).trim() === '';

/** Blanks the values of names that tell of a secret. */
function blankValues(line: string): string {
  const parts: string[] = [];
  let kept = 0;
  for (let found = NAME.exec(line); found !== null; found = NAME.exec(line)) {
    const [name] = found;
    const end = NAME.lastIndex;
    if (!NAMES_SECRET.test(name)) continue;
    const value = matchAt(ASSIGNED, line, end) ?? spacedValue(line, found.index, name);
    if (value === undefined) continue;
    parts.push(line.slice(kept, end), value.lead, BLANK);
    kept = value.end;
    NAME.lastIndex = kept;
  }
  NAME.lastIndex = 0;
  return parts.join('') + line.slice(kept);
}

interface Value {
  readonly lead: string;
  readonly end: number;
}

function matchAt(pattern: RegExp, line: string, at: number): Value | undefined {
  pattern.lastIndex = at;
  const lead = pattern.exec(line)?.[1];
  return lead === undefined ? undefined : { lead, end: pattern.lastIndex };
}

function spacedValue(line: string, at: number, name: string): Value | undefined {
  if (!ENDS_WITH_SECRET.test(name) || !isOption(line, at, name)) return undefined;
  return matchAt(SPACED, line, at + name.length);
}

/** Password in a URL: scheme://user:password@host. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]{0,31}:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,1024}(@)/gi;

/** Hash of crypt(5) and the like: $6$salt$hash. */
const CRYPT = /\$(?:1|2[abxy]|5|6|7|y|gy|argon2\w{0,8})\$[^\s:"']+/g;

/** A line of nothing but Base64, as keys are written. */
const KEY_MATERIAL = /^\s*[A-Za-z0-9+/]{40,}={0,2}\s*$/;

const blankParts = (line: string): string =>
  blankValues(line.replace(URL_PASSWORD, `$1${BLANK}$2`)).replace(CRYPT, BLANK);

/** A line of a configuration or command with values of secrets blanked; what stays is enough to see that one is set. */
export function redact(line: string): string {
  return KEY_MATERIAL.test(line) ? BLANK : blankParts(line);
}

/** Options whose value is `user:password` (curl(1)), and header lines that let one in. */
const USER_OPTION = /^(?:-u|-U|--user|--proxy-user)$/;
const SECRET_HEADER = /^((?:proxy-)?authorization|cookie|x-[\w-]*(?:token|key)):.*$/is;

/** Programs of which `-p` is a password, in the same argument or the next. */
const P_IS_PASSWORD = /(?:^|[/\\])(?:mysql\w*|mariadb[\w-]*|sshpass)(?:\.exe)?$/i;

/** What an argument becomes for the one before it; `undefined` where that says nothing. */
function valueOf(before: string, argument: string, pIsPassword: boolean): string | undefined {
  if (before.startsWith('-') && ENDS_WITH_SECRET.test(before)) return BLANK;
  if (pIsPassword && before === '-p') return BLANK;
  if (!USER_OPTION.test(before)) return undefined;
  return argument.replace(/:.*$/s, `:${BLANK}`);
}

/**
 * The arguments of a command, program first, with values of secrets blanked. A value that is an argument of its own, or the
 * part behind `=`, goes whole, whatever it holds: here it is known where it ends.
 */
export function redactArguments(args: readonly string[]): string[] {
  const pIsPassword = P_IS_PASSWORD.test(args[0] ?? '');
  return args.map((argument, index) => {
    const value = index > 1 ? valueOf(args[index - 1] ?? '', argument, pIsPassword) : undefined;
    if (value !== undefined) return value;
    if (pIsPassword && /^-p./s.test(argument)) return `-p${BLANK}`;
    const assigned = /^([\w.-]{1,256})=/.exec(argument)?.[1];
    if (assigned !== undefined && NAMES_SECRET.test(assigned)) return `${assigned}=${BLANK}`;
    const header = argument.replace(SECRET_HEADER, `$1: ${BLANK}`);
    return header.startsWith('/') ? blankParts(header) : redact(header);
  });
}
