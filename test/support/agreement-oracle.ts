import { beforeAll, expect, it } from 'vitest';
import { backwardCommits, restarts } from './ledger.ts';
import { faultsOf } from './numbers.ts';
import { seedOf } from './random.ts';
import { runScenario, summary, type Disturbance, type Outcome } from './scenario.ts';

/** Declares the tests that hold after any disturbance, in the suite that calls it. */
export function provesAgreementAfter(
  disturbance: () => Disturbance | Promise<Disturbance>,
  options: { readonly shippedManifests: boolean; readonly deadlineMs: number },
): void {
  let outcome: Outcome;

  beforeAll(async () => {
    const seed = seedOf(process.env);
    console.log(`seed ${String(seed)}`);
    outcome = await runScenario(await disturbance(), { ...options, seed });
    console.log(summary(outcome, seed));
  }, options.deadlineMs);

  it('R219 R220 both sides hold the same rows of every type, hashed again from the rows themselves', () => {
    expect(Object.keys(outcome.agent)).not.toHaveLength(0);
    expect(outcome.platform).toEqual(outcome.agent);
    for (const copy of Object.values(outcome.agent)) expect(copy.recomputed).toBe(copy.root);
  });

  it('R033 the platform holds exactly the packages that dpkg lists', () => {
    expect(outcome.packages.dpkg.length).toBeGreaterThan(0);
    expect(outcome.packages.inventory).toEqual(outcome.packages.dpkg);
    expect(outcome.packages.vulnerability).toEqual(outcome.packages.dpkg);
  });

  it('R017 R325 there is one agent, under the Host ID that it had all along', () => {
    expect(outcome.ledger.agents).toEqual([outcome.hostId]);
    expect(outcome.report.hostIds).toEqual([outcome.hostId]);
  });

  it('no sequence runs backwards, and a first transfer comes again only where the platform asked for it', () => {
    expect(backwardCommits(outcome.ledger.commits)).toEqual([]);
    const asked = outcome.scorches.filter((line) => line.includes('the platform asked for it'));
    expect(outcome.scorches).toEqual(asked);
    if (!outcome.report.commands.some(({ type }) => type === 'RESYNC')) {
      expect(restarts(outcome.ledger.commits)).toEqual([]);
    }
  });

  it('every command is acknowledged once, and none is invented', () => {
    const acknowledged = outcome.ledger.commands.map(({ id, result, acknowledgements }) => ({
      id,
      result,
      acknowledgements,
    }));
    const expected = outcome.report.commands.map(({ id }) => ({ id, result: 'DONE', acknowledgements: 1 }));
    expect(acknowledged.sort(byId)).toEqual(expected.sort(byId));
  });

  it('R118 R122 R123 registration and every commit are on record once each', () => {
    const { commits, activities } = outcome.ledger;
    const expected = new Map<string, number>();
    for (const { type, seq } of commits) {
      const detail = `${type} seq ${String(seq)}`;
      expected.set(detail, (expected.get(detail) ?? 0) + 1);
    }
    const recorded = activities.filter(({ activity }) => activity.endsWith('Scan Complete'));
    const times = Object.fromEntries(recorded.map((one) => [one.detail ?? '', one.times]));
    expect(times).toEqual(Object.fromEntries(expected));
    expect(activities.filter(({ activity }) => activity === 'Provisioned')).toEqual([
      { activity: 'Provisioned', detail: null, times: 1 },
    ]);
  });

  it('R008 every record that the queue had taken arrived once and in order, through every kill', () => {
    const { begun, acknowledged, arrived } = outcome.numbers;
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(faultsOf(outcome.numbers)).toEqual({ lost: [], doubled: [], late: [], invented: [] });
    expect(arrived.length).toBeLessThanOrEqual(begun.length);
  });

  it('nothing of it runs on when agent and platform have ended', () => {
    expect(outcome.leftOver).toEqual([]);
  });
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
