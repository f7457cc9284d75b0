import type { OsvAffected, OsvEvent, OsvRange } from './osv.ts';

/** Orders two versions of one ecosystem: negative, zero or positive. */
export type Compare = (a: string, b: string) => number;

/** Version and kind of an event; "0" as `introduced` stands for before every version (OSV schema). */
interface Point {
  readonly version: string;
  readonly kind: 'introduced' | 'fixed' | 'last_affected';
}

function pointOf(event: OsvEvent): Point | undefined {
  if (event.introduced !== undefined) return { version: event.introduced, kind: 'introduced' };
  if (event.fixed !== undefined) return { version: event.fixed, kind: 'fixed' };
  if (event.last_affected !== undefined) return { version: event.last_affected, kind: 'last_affected' };
  // `limit` bounds the enumeration of Git commits and says nothing about versions.
  return undefined;
}

const isOrigin = (point: Point): boolean => point.kind === 'introduced' && point.version === '0';

function sorted(range: OsvRange, compare: Compare): Point[] {
  const points = range.events.map(pointOf).filter((point) => point !== undefined);
  return points.sort((a, b) => {
    if (isOrigin(a) || isOrigin(b)) return Number(isOrigin(b)) - Number(isOrigin(a));
    return compare(a.version, b.version);
  });
}

function inRange(version: string, range: OsvRange, compare: Compare): boolean {
  let vulnerable = false;
  for (const point of sorted(range, compare)) {
    const order = isOrigin(point) ? 1 : compare(version, point.version);
    if (point.kind === 'introduced' && order >= 0) vulnerable = true;
    else if (point.kind === 'fixed' && order >= 0) vulnerable = false;
    else if (point.kind === 'last_affected' && order > 0) vulnerable = false;
  }
  return vulnerable;
}

/**
 * Whether a version is affected: it is listed, or the sorted events of a range leave it inside (introduced ≤ v,
 * not fixed ≤ v, not v > last_affected). Ranges of Git commits are not versions and don't count.
 */
export function isAffected(version: string, affected: OsvAffected, compare: Compare): boolean {
  if (affected.versions.includes(version)) return true;
  return affected.ranges.some((range) => range.type === 'ECOSYSTEM' && inRange(version, range, compare));
}

/** The lowest fixed version above an affected one: what to upgrade to. `undefined` while there is none. */
export function fixedVersionFor(
  version: string,
  affected: OsvAffected,
  compare: Compare,
): string | undefined {
  return affected.ranges
    .flatMap((range) => range.events.map((event) => event.fixed))
    .filter((fixed) => fixed !== undefined)
    .filter((fixed) => compare(fixed, version) > 0)
    .sort(compare)[0];
}
