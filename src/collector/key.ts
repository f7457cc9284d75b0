/**
 * One key out of several parts, one to one: `|` stands between them, `|` and `\` inside a part are escaped,
 * an absent part differs from an empty one.
 */
export function joinKey(...parts: readonly (string | number | null)[]): string {
  return parts
    .map((part) => (part === null ? '\\0' : String(part).replace(/[\\|]/g, (char) => `\\${char}`)))
    .join('|');
}

/**
 * Tells things apart that a host lists under one name, such as modules whose maker left the serial number out: the second
 * of a key gets the part `2`, and so on in the host's own order.
 */
export function numbering(): (key: string) => string {
  const times = new Map<string, number>();
  return (key) => {
    const number = (times.get(key) ?? 0) + 1;
    times.set(key, number);
    return number === 1 ? key : `${key}|${String(number)}`;
  };
}
