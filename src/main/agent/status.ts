import type { ConditionSpec } from '../../shared/condition-spec.ts';
import { CONDITIONS, visibleConditions, type RaisedCondition } from '../../shared/conditions.ts';
import type { Phase } from '../../shared/status.ts';
import type { OffsetAt } from '../../shared/weekly-windows.ts';
import type { Facts } from './facts.ts';
import { collectionRefusal } from './schedule.ts';

/** A phase and the sentence that explains it to a person. */
export interface DerivedPhase {
  readonly phase: Phase;
  readonly sentence: string;
}

/** When a clock time is said to a person: local, hours and minutes. */
export type SayTime = (ms: number) => string;

/** A moment as the clock on the wall shows it, `18:00`; with its weekday, `Mon 18:00`, where that is another day. */
export function wallTime(ms: number, now: number, offsetAt: OffsetAt): string {
  const wall = (at: number): Date => new Date(at + offsetAt(at));
  const [day, today] = [wall(ms).toUTCString(), wall(now).toUTCString()];
  const time = day.slice(17, 22);
  return day.slice(0, 16) === today.slice(0, 16) ? time : `${day.slice(0, 3)} ${time}`;
}

/**
 * What the agent is doing, from what is known (R315). The order is a precedence: what keeps it from working comes before
 * what it works on, and that before how it rests.
 */
export function derivePhase(
  facts: Facts,
  raised: readonly RaisedCondition[],
  now: number,
  say: SayTime,
): DerivedPhase {
  const worst = visibleConditions(raised, now).find((condition) => isBlocking(condition));
  if (!facts.provisioned || facts.uninstalled) return unprovisioned(facts, worst, say);
  if (worst !== undefined) return { phase: 'error', sentence: `${CONDITIONS[worst.code].title}.` };
  const { until } = facts.blackout;
  const silence = until === null ? '' : ` Blackout: nothing is sent before ${say(until)}.`;
  if (facts.collecting !== null) {
    return { phase: 'scanning', sentence: `Collecting ${facts.collecting}.${silence}` };
  }
  if (silence !== '') return { phase: 'blackout', sentence: silence.trimStart() };
  if (facts.pending !== null) {
    const { type, chunksSent, chunkCount } = facts.pending;
    return { phase: 'uploading', sentence: `Uploading ${type}: ${chunksSent} of ${chunkCount} chunks.` };
  }
  if (facts.profile.suspendCollection) {
    return { phase: 'suspended', sentence: 'Collection is suspended by the configuration profile.' };
  }
  return resting(facts);
}

function unprovisioned(facts: Facts, worst: RaisedCondition | undefined, say: SayTime): DerivedPhase {
  if (facts.uninstalled) {
    return { phase: 'not provisioned', sentence: 'The platform has removed this agent.' };
  }
  if (facts.exchanging === 'provision') {
    return { phase: 'provisioning', sentence: 'Registering with the platform.' };
  }
  const why = worst === undefined ? '' : ` ${CONDITIONS[worst.code].title}.`;
  const next =
    facts.configured && facts.provisioning.failures > 0
      ? ` Next attempt at ${say(facts.provisioning.nextAt)}.`
      : '';
  return { phase: 'not provisioned', sentence: `Not registered with a platform.${why}${next}` };
}

function resting(facts: Facts): DerivedPhase {
  const collected = facts.activeTypes.filter((type) => collectionRefusal(type, facts) === undefined);
  const synced = collected.filter((type) => (facts.types[type]?.seq ?? 0) > 0);
  if (collected.length === 0 || synced.length < collected.length) {
    return {
      phase: 'idle',
      sentence: `Waiting: ${synced.length} of ${collected.length} manifests are in sync.`,
    };
  }
  const rows = synced.reduce((sum, type) => sum + (facts.types[type]?.rows ?? 0), 0);
  return {
    phase: 'up to date',
    sentence: `Up to date: ${rows} rows of ${synced.length} manifests are in sync.`,
  };
}

function isBlocking(condition: RaisedCondition): boolean {
  const spec: ConditionSpec = CONDITIONS[condition.code];
  return spec.severity === 'error' && spec.stopsUploads === true;
}
