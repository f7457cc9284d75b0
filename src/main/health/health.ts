/** How one thing is. */
export type CheckState = 'good' | 'attention' | 'bad';

/** One thing that was looked at. */
export interface Check {
  /** What, in a few words: `service`, `scan Inventory`. */
  readonly name: string;
  readonly state: CheckState;
  /** What was found, one line. */
  readonly detail: string;
  /** What to do about it; `null` where nothing is to be done. */
  readonly nextStep: string | null;
}

/** Something that could not be looked at. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** What came of looking at one thing, or at several of a kind. */
export type Finding = Check | Skipped;

/** Whether all is well (R286): the worst first step, and everything that it rests on. */
export interface Health {
  readonly headline: 'Good' | 'Needs attention';
  /** Of the first bad check, else of the first that wants attention; `null` when all is good. */
  readonly nextStep: string | null;
  readonly checks: readonly Check[];
  readonly skipped: readonly Skipped[];
}

export const good = (name: string, detail: string): Check => ({
  name,
  state: 'good',
  detail,
  nextStep: null,
});

export const attention = (name: string, detail: string, nextStep: string): Check => ({
  name,
  state: 'attention',
  detail,
  nextStep,
});

export const bad = (name: string, detail: string, nextStep: string): Check => ({
  name,
  state: 'bad',
  detail,
  nextStep,
});

export const skipped = (name: string, reason: string): Skipped => ({ name, reason });

/** Sums findings up, in their order. */
export function sumUp(findings: readonly Finding[]): Health {
  const checks = findings.filter((finding): finding is Check => 'state' in finding);
  const worst =
    checks.find((check) => check.state === 'bad') ?? checks.find((check) => check.state === 'attention');
  return {
    headline: worst === undefined ? 'Good' : 'Needs attention',
    nextStep: worst?.nextStep ?? null,
    checks,
    skipped: findings.filter((finding): finding is Skipped => !('state' in finding)),
  };
}
