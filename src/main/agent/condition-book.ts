import type { ConditionSpec } from '../../shared/condition-spec.ts';
import {
  CONDITIONS,
  conditionText,
  visibleConditions,
  type ConditionCode,
  type RaisedCondition,
} from '../../shared/conditions.ts';
import type { ShownCondition } from '../../shared/status.ts';
import { toInstant } from '../clock.ts';

/** What happened to a condition: once per raising and clearing, not per repetition. */
export type OnCondition = (code: ConditionCode, raised: boolean, text: string) => void;

/**
 * The raised conditions. A source raises and clears its own code; `detail` tells several of one code apart (a manifest
 * type). Raising again keeps the time of the first and takes the new values.
 */
export class ConditionBook {
  readonly #raised = new Map<string, RaisedCondition>();
  readonly #onChange: OnCondition;

  constructor(onChange: OnCondition) {
    this.#onChange = onChange;
  }

  raise(code: ConditionCode, now: number, values: Readonly<Record<string, string>> = {}, detail = ''): void {
    const key = `${code}/${detail}`;
    const before = this.#raised.get(key);
    this.#raised.set(key, { code, since: before?.since ?? now, values });
    if (before === undefined) this.#onChange(code, true, conditionText(code, values));
  }

  clear(code: ConditionCode, detail = ''): void {
    const key = `${code}/${detail}`;
    const before = this.#raised.get(key);
    if (before === undefined) return;
    this.#raised.delete(key);
    this.#onChange(code, false, conditionText(code, before.values));
  }

  /** The wall clock was set by `ms`: what is raised has lasted as long as before. */
  clockStepped(ms: number): void {
    for (const [key, condition] of this.#raised) {
      this.#raised.set(key, { ...condition, since: condition.since + ms });
    }
  }

  all(): RaisedCondition[] {
    return [...this.#raised.values()];
  }

  /** The conditions that people see, rendered. */
  shown(now: number): ShownCondition[] {
    return visibleConditions(this.all(), now).map((condition) => {
      const spec: ConditionSpec = CONDITIONS[condition.code];
      return {
        code: condition.code,
        severity: spec.severity,
        title: spec.title,
        text: conditionText(condition.code, condition.values),
        since: toInstant(condition.since),
        stopsUploads: spec.stopsUploads === true,
      };
    });
  }

  /** When a condition that is still hidden will show, so that watchers hear of it; `null` if none waits. */
  nextChangeAt(now: number): number | null {
    const waiting = this.all()
      .map(
        (condition) =>
          condition.since + ((CONDITIONS[condition.code] as ConditionSpec).showAfterSec ?? 0) * 1000,
      )
      .filter((at) => at > now);
    return waiting.length === 0 ? null : Math.min(...waiting);
  }
}
