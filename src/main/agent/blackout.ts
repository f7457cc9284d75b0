import { z } from 'zod';
import type { Random } from '../clock.ts';
import type { Store } from '../queue/open.ts';
import type { Context } from './context.ts';
import type { BlackoutFacts, Facts } from './facts.ts';
import type { QuietTimes, QuietTimesCache } from './quiet-times.ts';
import { dueAt, spreadMs } from './schedule.ts';

/** Where hosts spread over after a blackout when the profile gives no randomise (protocol, scheduler rule 5), ms. */
const RELEASE_MS = 60_000;

/** How often the clock on the wall is looked at while a profile has windows, ms: a laptop may have changed its zone. */
const LOOK_EVERY_MS = 15 * 60_000;

/** No blackout, and none that has just ended. */
export const noBlackout: BlackoutFacts = { until: null, releaseAt: null, resuming: false };

const Stored = z.object({ until: z.number().nullable(), releaseAt: z.number().nullable() });
const BLACKOUT = 'blackout';

/**
 * The blackout that the last run was in. When its end passed meanwhile, that is seen at the first look: who comes back
 * long after it waits for nothing.
 */
export function storedBlackout(store: Store): BlackoutFacts {
  const stored = store.kv.get(BLACKOUT, Stored);
  if (stored === undefined) return noBlackout;
  return { ...stored, resuming: stored.releaseAt !== null };
}

/** Whether nothing may be sent at this moment: in a window, and for a random while after it (R153). */
export function silentUntil({ blackout }: Facts, now: number): number | null {
  if (blackout.until !== null) return blackout.until;
  return blackout.releaseAt !== null && blackout.releaseAt > now ? blackout.releaseAt : null;
}

/**
 * The facts of the blackout after a look at the clock: it begins, its end moves, it ends. After its end the hosts that
 * leave it together spread over one random 0..randomise minutes (rule 5), counted from the end. `null`: nothing changed.
 */
export function blackoutAfter(
  facts: Facts,
  quiet: Pick<QuietTimes, 'blackout' | 'blackoutChangesAt'>,
  random: Pick<Random, 'next'>,
  now: number,
): BlackoutFacts | null {
  const { until } = facts.blackout;
  if (quiet.blackout) {
    const end = quiet.blackoutChangesAt;
    return until === end || end === null ? null : { until: end, releaseAt: null, resuming: false };
  }
  if (until === null) return null;
  const { scanRandomizeMin } = facts.profile;
  const longest = scanRandomizeMin === 0 ? RELEASE_MS : scanRandomizeMin * RELEASE_MS;
  const endedAt = Math.min(until, now);
  return { until: null, releaseAt: endedAt + Math.floor(random.next() * longest), resuming: true };
}

/**
 * Follows the clock on the wall after every event: blackout windows and reduced-activity periods of the profile. Returns
 * when it has to be looked at again, ms since the epoch; `null`: not before something else happens.
 */
export function followQuietTimes(
  context: Context,
  cache: QuietTimesCache,
  breakOff: () => void,
): number | null {
  const { facts, update, clock, localTime } = context;
  const { profile, activeTypes, reduced } = facts();
  const quiet = cache.at(profile, activeTypes, clock.now(), localTime.offsetAt);
  followBlackout(context, quiet, breakOff);
  const { noCollection, noTransmission } = quiet;
  if (reduced.noCollection !== noCollection || reduced.noTransmission !== noTransmission) {
    update({ reduced: { noCollection, noTransmission } });
  }
  if (quiet.changesAt === null) return null;
  return Math.min(quiet.changesAt, clock.now() + LOOK_EVERY_MS);
}

/**
 * Follows the blackout after every event: at its begin what is under way is broken off, at its end a check-in is wanted
 * and scans that were held up get delay and chance (R157). Says both in the log.
 */
function followBlackout(context: Context, quiet: QuietTimes, breakOff: () => void): void {
  const { facts, update, random, clock, log } = context;
  const now = clock.now();
  const before = facts().blackout;
  const after = blackoutAfter(facts(), quiet, random, now);
  if (after === null) {
    forgetRelease(context);
    return;
  }
  context.store.kv.set(BLACKOUT, { until: after.until, releaseAt: after.releaseAt });
  if (after.until !== null) {
    update({ blackout: after });
    if (before.until !== null) return;
    log.info(`blackout begins: nothing is sent before ${new Date(after.until).toISOString()}`);
    breakOff();
    return;
  }
  const releaseAt = after.releaseAt ?? now;
  log.info(`the blackout is over: the platform is asked again at ${new Date(releaseAt).toISOString()}`);
  update({ blackout: after, heartbeatWanted: true });
  spreadHeldScans(context, releaseAt);
}

/** Once upload and check-in have had their turn, nothing is left of a blackout. */
function forgetRelease({ facts, update, store }: Context): void {
  const { blackout } = facts();
  if (blackout.releaseAt === null || blackout.resuming) return;
  store.kv.set(BLACKOUT, { until: null, releaseAt: null });
  update({ blackout: noBlackout });
}

/** Scans that were due in the blackout and could not begin, as an upload waited for its end (R156, R157). */
function spreadHeldScans(context: Context, releaseAt: number): void {
  const { activeTypes, types, profile } = context.facts();
  for (const type of activeTypes) {
    const known = types[type];
    const due = known === undefined ? null : dueAt(type, known, profile);
    if (due === null || due > releaseAt) continue;
    context.updateType(type, { notBefore: releaseAt + spreadMs(profile, context.random.next()) });
  }
}

/** The check-in after a blackout was made, or failed: scans go on, and the rest takes its usual course. */
export function checkedInAfterBlackout({ facts, update }: Context): void {
  const { blackout } = facts();
  if (blackout.resuming) update({ blackout: { ...blackout, resuming: false } });
}

/**
 * Whether the upload that waited for the end of a blackout goes before the check-in (rule 5): until it is done or has
 * failed, and for one status interval at most, so that a long one never silences the agent.
 */
export function uploadGoesFirst({ blackout, pending, profile }: Facts, now: number): boolean {
  const { resuming, releaseAt } = blackout;
  if (!resuming || releaseAt === null || pending === null || pending.failures > 0) return false;
  return now < releaseAt + profile.statusIntervalSec * 1000;
}

/** The same facts after the clock was set by `ms`. */
export const movedBlackout = (blackout: BlackoutFacts, ms: number): BlackoutFacts => ({
  ...blackout,
  releaseAt: blackout.releaseAt === null ? null : blackout.releaseAt + ms,
});
