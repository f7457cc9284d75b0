/** One challenge of a `Proxy-Authenticate` field (RFC 9110, 11.3): the scheme as written and its token, if it is one. */
export interface Challenge {
  readonly scheme: string;
  /** A token68: what Negotiate carries. */
  readonly token?: string;
}

/** Most challenges that are looked at, and most characters of a field. */
const MAX_CHALLENGES = 16;
const MAX_FIELD = 4096;

/** An element that opens a challenge: a scheme alone, with a token68, or with its first parameter. */
const OPENING = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32})(?:[ \t]+(?:([A-Za-z0-9._~+/-]+=*)|[^=]+=.*))?$/s;

/**
 * The challenges of all `Proxy-Authenticate` fields of a reply, in their order. Elements that only carry a further
 * parameter belong to the challenge before them and say nothing new; what makes no sense is left out. Never throws.
 */
export function parseChallenges(fields: readonly string[]): Challenge[] {
  const found: Challenge[] = [];
  for (const element of fields.flatMap(elementsOf)) {
    const [, scheme, token] = OPENING.exec(element) ?? [];
    if (scheme === undefined || found.length === MAX_CHALLENGES) continue;
    found.push(token === undefined ? { scheme } : { scheme, token });
  }
  return found;
}

/** The elements of a comma-separated field; commas in quoted strings don't separate. */
function elementsOf(field: string): string[] {
  return (field.slice(0, MAX_FIELD).match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? []).map((element) =>
    element.trim(),
  );
}
