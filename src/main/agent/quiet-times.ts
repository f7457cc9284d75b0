import { moduleOfType, type ManifestType } from '../../shared/modules.ts';
import type { Profile, ReducedActivity } from '../../shared/profile.ts';
import { insideWindows, windowChangeAfter, type OffsetAt } from '../../shared/weekly-windows.ts';

/** What a profile says of one moment on the clock of the wall. */
export interface QuietTimes {
  readonly blackout: boolean;
  /** Types of which no scheduled scan starts, and types of which nothing is uploaded. */
  readonly noCollection: readonly ManifestType[];
  readonly noTransmission: readonly ManifestType[];
  /** When the blackout changes next, ms since the epoch; `null`: never. */
  readonly blackoutChangesAt: number | null;
  /** When any of it changes next. */
  readonly changesAt: number | null;
}

type Windows = Pick<Profile, 'blackoutWindows' | 'reducedActivity'>;

/**
 * What blackout windows and reduced-activity periods hold back at a moment, for the types in question (R153–R155). Pure:
 * `offsetAt` is the zone of the host.
 */
export function quietTimesAt(
  { blackoutWindows, reducedActivity }: Windows,
  types: readonly ManifestType[],
  now: number,
  offsetAt: OffsetAt,
): QuietTimes {
  const inForce = reducedActivity.filter((period) => insideWindows([period], now, offsetAt));
  const held = (what: ReducedActivity['holds'][number]): ManifestType[] => {
    const periods = inForce.filter(({ holds }) => holds.includes(what));
    return types.filter((type) => periods.some(({ modules }) => concerns(modules, type)));
  };
  const changes = reducedActivity.map((period) => windowChangeAfter([period], now, offsetAt));
  const blackoutChangesAt = windowChangeAfter(blackoutWindows, now, offsetAt);
  return {
    blackout: insideWindows(blackoutWindows, now, offsetAt),
    noCollection: held('collection'),
    noTransmission: held('transmission'),
    blackoutChangesAt,
    changesAt: earliest([blackoutChangesAt, ...changes]),
  };
}

const concerns = (modules: ReducedActivity['modules'], type: ManifestType): boolean =>
  modules.length === 0 || modules.includes(moduleOfType(type));

function earliest(moments: readonly (number | null)[]): number | null {
  const known = moments.filter((moment) => moment !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** Keeps the last answer as long as it holds: the plan asks after every event, and weeks of windows are looked through. */
export class QuietTimesCache {
  #key: readonly unknown[] = [];
  #from = 0;
  #found: QuietTimes | undefined;

  /** As `quietTimesAt`. The same windows and types are the same objects. */
  at(profile: Windows, types: readonly ManifestType[], now: number, offsetAt: OffsetAt): QuietTimes {
    const key = [profile.blackoutWindows, profile.reducedActivity, types, offsetAt(now)];
    const until = this.#found?.changesAt ?? Number.POSITIVE_INFINITY;
    const same = key.every((part, at) => part === this.#key[at]);
    if (this.#found !== undefined && same && now >= this.#from && now < until) return this.#found;
    this.#key = key;
    this.#from = now;
    this.#found = quietTimesAt(profile, types, now, offsetAt);
    return this.#found;
  }
}
