const LINKED = /^\/(?:etc|tmp|var)(?=\/|$)/;

/**
 * The place that a path leads to where it begins with one of the three links that macOS puts at its root: /etc, /tmp and
 * /var lead below /private. Sources name the place behind, so rules have to as well.
 */
export function behindPrivate(path: string): string {
  return LINKED.test(path) ? `/private${path}` : path;
}
