/** What replaces a secret. */
const BLANK = '[redacted]';

/** Words that name a secret, also as a part of a longer name: DB_PASSWORD, ssl-key-passphrase, apiKey. */
const WORD =
  '(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|credentials?|psk|community)';

/** `name = value`, `name: value`, `name value` after a name with such a word, and `--name value` on a command line. */
const ASSIGNED = new RegExp(
  `((?:^|[\\s;,&?"'{-])[\\w.-]*${WORD}[\\w.-]*["']?\\s*[=:]\\s*)("[^"]*"|'[^']*'|[^\\s;,&]+)`,
  'gi',
);
const SPACED = new RegExp(`((?:^\\s*|\\s--?)[\\w.-]*${WORD}\\s+)(?![=:[])("[^"]*"|'[^']*'|[^\\s;,&]+)`, 'gi');

/** Password in a URL: scheme://user:password@host. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+(@)/gi;

/** Hash of crypt(5) and the like: $6$salt$hash. */
const CRYPT = /\$(?:1|2[abxy]|5|6|7|y|gy|argon2\w*)\$[^\s:"']+/g;

/** A line of nothing but Base64, as keys are written. */
const KEY_MATERIAL = /^\s*[A-Za-z0-9+/]{40,}={0,2}\s*$/;

/** A line of a configuration or command with values of secrets blanked; what stays is enough to see that one is set. */
export function redact(line: string): string {
  if (KEY_MATERIAL.test(line)) return BLANK;
  return line
    .replace(URL_PASSWORD, `$1${BLANK}$2`)
    .replace(ASSIGNED, `$1${BLANK}`)
    .replace(SPACED, `$1${BLANK}`)
    .replace(CRYPT, BLANK);
}
