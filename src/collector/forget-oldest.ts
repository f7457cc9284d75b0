/** Keeps a map or set that something is put into within `most` entries: what was put in first leaves. To be called after each. */
export function forgetOldest<K>(of: Map<K, unknown> | Set<K>, most: number): void {
  if (of.size <= most) return;
  const [oldest] = of.keys();
  if (oldest !== undefined) of.delete(oldest);
}
