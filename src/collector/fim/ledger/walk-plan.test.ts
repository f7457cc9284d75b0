import { describe, expect, it } from 'vitest';
import { RuleSet } from '../rule-set.ts';
import { ruleWith } from '../testing/fim-rules.ts';
import type { LedgerStore } from './store.ts';
import { WalkPlan } from './walk-plan.ts';

/** A double of the store that keeps what is to be walked. */
function plan() {
  const walked: string[] = [];
  const pending = { hasFrom: () => false, add: ({ path }: { path: string }) => walked.push(path) };
  return {
    walked,
    plan: new WalkPlan({ pending, meta: { set: () => undefined } } as unknown as LedgerStore, 'win32'),
  };
}

describe('what is walked on Windows', () => {
  it('R208 begins at a whole drive where a rule names one', () => {
    const { walked, plan: of } = plan();
    const rules = [
      ruleWith({ path: 'C:\\' }),
      ruleWith({ path: 'C:\\Users' }),
      ruleWith({ path: 'D:\\Data' }),
    ];
    of.walkAll(new RuleSet(rules, [], 'win32'), 'baseline', 0);
    expect(walked).toEqual(['C:\\', 'D:\\Data']);
  });
});
