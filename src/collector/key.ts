/**
 * One key out of several parts, one to one: `|` stands between them, `|` and `\` inside a part are escaped,
 * an absent part differs from an empty one.
 */
export function joinKey(...parts: readonly (string | number | null)[]): string {
  return parts
    .map((part) => (part === null ? '\\0' : String(part).replace(/[\\|]/g, (char) => `\\${char}`)))
    .join('|');
}
