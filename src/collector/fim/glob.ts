/**
 * A pattern of a rule: `*` stands for any run of characters but the separator, `?` for one of them. The match takes time
 * linear in the product of both lengths, whatever the pattern: it comes from a manifest.
 */
export type Glob = (text: string) => boolean;

/** Compiles a pattern. `separator` is what `*` and `?` stop at. */
export function glob(pattern: string, separator: '/' | '\\'): Glob {
  return (text) => matches(pattern, text, separator);
}

/** One star is open at a time: the last one seen takes as little as lets the rest match. */
function matches(pattern: string, text: string, separator: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      resume = t;
      p += 1;
    } else if (fits(pattern[p], text[t], separator)) {
      p += 1;
      t += 1;
    } else {
      if (star < 0 || text[resume] === separator) return false;
      resume += 1;
      t = resume;
      p = star + 1;
    }
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/** `wanted` is `undefined` behind the end of the pattern, where nothing fits. */
function fits(wanted: string | undefined, found: string | undefined, separator: string): boolean {
  return wanted === found || (wanted === '?' && found !== separator);
}
