/**
 * What is replaced. Too much rather than too little: a password may hold `://`, `@` and blanks, so the last `@` of a line
 * ends the credentials; a header's value goes to the end of its line, since its scheme is a word of its own.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '…'],
  [/(:\/\/)[^\r\n]*@/g, '$1…@'],
  // A proxy whose scheme was forgotten; what the line above has done stays. \u2026 and not the character itself: a bundle
  // keeps pattern literals as they are written, and one character outside Latin-1 doubles its memory.
  [/(prox(?:y|ies)["']?\s*[:=](?!\s*["']?\w+:\/\/\u2026@)\s*)[^\r\n]*@/gi, '$1…@'],
  [/(^|[\s=;"'(,])[^\s/:=;"'(,@[\]]{0,256}:(?!\/\/)\S*@/g, '$1…@'],
  [/(authorization|authenticate|authentication-info|signature|cookie)(["']?\s*[:=]\s*)[^\r\n]+/gi, '$1$2…'],
  [
    /(password|passphrase|passwd|token|secret|api[-_]?key|correlation[-_ ]?id(?:entifier)?)(["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S+)/gi,
    '$1$2…',
  ],
  // The query of a PAC file's URL may hold a token.
  [/(pac(?:url)?["']?\s*[:=]\s*["']?https?:\/\/[^\s?#"']{0,2048}[?#])[^\s"']+/gi, '$1…'],
  // An Ed25519 signature or longer, in base64 and in base64url (a JWS holds one).
  [/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86,}==/g, '…'],
  [/[A-Za-z0-9_-]{86,}/g, '…'],
];

/** What follows the name of an authentication scheme: a token (RFC 4559, RFC 6750, RFC 7617), or the rest of a sentence. */
const AFTER_A_SCHEME = /\b(negotiate|kerberos|ntlm|basic|bearer)(\s+)([a-z0-9+/=._~-]{8,})/gi;

/** A word of a sentence. Apart from the pattern above, in which capitals and small letters are the same. */
const PLAIN_WORD = /^[A-Za-z][a-z]*$/;

/** Longest message, characters: what a platform or a file sends us ends up in some, and patterns take time. */
const MAX_MESSAGE = 8_192;

/** Characters that end a line, move the cursor or turn the direction of reading; the one list for logs and terminals. */
export const STEERING =
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A message as it may stand in a log or support bundle: identifiers, credentials and signatures replaced by `…`, and
 * line breaks and other control characters made visible, so that nobody can forge a line (protocol, "Errors"). What
 * is longer than 8192 characters ends at the last blank before, so that no half of a secret stays.
 */
export function redact(message: string): string {
  const shown = SECRETS.reduce(
    (text, [pattern, replacement]) => text.replace(pattern, replacement),
    withoutTokens(shortened(message)),
  );
  return shown.replace(STEERING, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function withoutTokens(message: string): string {
  return message.replace(AFTER_A_SCHEME, (whole, scheme: string, gap: string, word: string) =>
    PLAIN_WORD.test(word) ? whole : `${scheme}${gap}…`,
  );
}

function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const cut = message.slice(0, MAX_MESSAGE - 2);
  return `${cut.slice(0, cut.lastIndexOf(' ') + 1)} …`;
}
