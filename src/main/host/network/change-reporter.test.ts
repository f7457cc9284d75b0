import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeReporter } from './change-reporter.ts';
import type { NetworkState } from './network.ts';
import { FakeTime } from './testing/fake-time.ts';
import { onNetwork } from './testing/states.ts';
import { Timer } from './timer.ts';

interface Rig {
  readonly time: FakeTime;
  readonly reporter: ChangeReporter;
  readonly told: (readonly [string, unknown])[];
}

function rig(): Rig {
  const time = new FakeTime();
  const told: (readonly [string, unknown])[] = [];
  const reporter = new ChangeReporter(time.monotonic, new Timer(time.clock), {
    changed: (state) => told.push(['changed', state.addresses[0]?.address]),
    unstable: ({ count, seconds, pause }) => told.push(['unstable', [count, seconds, pause]]),
    stable: () => told.push(['stable', undefined]),
  });
  return { time, reporter, told };
}

const HOME = onNetwork('198.51.100.7');
const OFFICE = onNetwork('192.0.2.7');

/** Changes between two networks each second, beginning with the office, and ticks as the monitor does. */
async function flap({ time, reporter }: Rig, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    reporter.take(i % 2 === 0 ? OFFICE : HOME);
    await time.pass(1_000);
    reporter.tick();
  }
}

describe('reports of changes', () => {
  it('come for a state that differs from the one known before, and for no other', () => {
    const { reporter, told } = rig();
    reporter.know(HOME);
    reporter.take(onNetwork('198.51.100.7'));
    reporter.take(OFFICE);
    reporter.take(OFFICE);
    expect(told).toEqual([['changed', '192.0.2.7']]);
  });

  it('do not come for the first state when nothing was known', () => {
    const { reporter, told } = rig();
    reporter.take(HOME);
    expect(told).toEqual([]);
    reporter.take(OFFICE);
    expect(told).toEqual([['changed', '192.0.2.7']]);
  });

  it('come for five changes a minute at once, then only every 30 s with the figures', async () => {
    const all = rig();
    all.reporter.know(HOME);
    await flap(all, 45);
    expect(all.told.map(([what]) => what)).toEqual([
      ...Array.from({ length: 5 }, () => 'changed'),
      'unstable',
      'unstable',
      'changed',
    ]);
    expect(all.told[5]?.[1]).toEqual([6, 60, 30]);
    expect(all.told[6]?.[1]).toEqual([34, 60, 30]);
  });

  it('name the figures once with a change that makes the network unstable and need not wait', async () => {
    const { time, reporter, told } = rig();
    reporter.know(HOME);
    for (let i = 0; i < 5; i += 1) reporter.take(i % 2 === 0 ? OFFICE : HOME);
    await time.pass(30_000);
    told.length = 0;
    reporter.take(HOME);
    expect(told).toEqual([
      ['unstable', [6, 60, 30]],
      ['changed', '198.51.100.7'],
    ]);
  });

  it('end with the state that remained, then say that it is stable', async () => {
    const all = rig();
    all.reporter.know(HOME);
    await flap(all, 39);
    all.reporter.take(onNetwork('203.0.113.7'));
    for (let i = 0; i < 60; i += 1) {
      await all.time.pass(1_000);
      all.reporter.tick();
    }
    expect(all.told.slice(-3)).toEqual([
      ['unstable', [36, 60, 30]],
      ['changed', '203.0.113.7'],
      ['stable', undefined],
    ]);
  });

  it('do not repeat the state from before the flapping', async () => {
    const all = rig();
    all.reporter.know(HOME);
    await flap(all, 7);
    all.reporter.take(HOME);
    const before = all.told.filter(([what]) => what === 'changed');
    expect(before.at(-1)).toEqual(['changed', '192.0.2.7']);
    all.reporter.take(OFFICE);
    await all.time.pass(120_000);
    expect(all.told.filter(([what]) => what === 'changed')).toEqual(before);
  });

  it('end with the monitor', async () => {
    const all = rig();
    all.reporter.know(HOME);
    await flap(all, 6);
    const before = all.told.length;
    all.reporter.stop();
    await all.time.pass(120_000);
    expect(all.told).toHaveLength(before);
  });

  it('lose nothing and stay few, whatever the network does', async () => {
    const gaps = fc.array(fc.tuple(fc.nat({ max: 40_000 }), fc.nat({ max: 3 })), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(gaps, async (changes) => {
        const { time, reporter, told } = rig();
        const at: number[] = [];
        let last: NetworkState = HOME;
        reporter.know(HOME);
        for (const [wait, network] of changes) {
          const before = told.length;
          await time.pass(wait);
          reporter.tick();
          last = onNetwork(`192.0.2.${String(network)}`);
          reporter.take(last);
          at.push(
            ...told
              .slice(before)
              .filter(([what]) => what === 'changed')
              .map(() => time.monotonic()),
          );
        }
        await time.pass(60_000);
        reporter.tick();
        const reported =
          told.filter(([what]) => what === 'changed').at(-1)?.[1] ?? HOME.addresses[0]?.address;
        expect(reported).toBe(last.addresses[0]?.address);
        for (const [index, first] of at.entries())
          expect(at.slice(index).filter((other) => other - first < 60_000).length).toBeLessThanOrEqual(7);
      }),
      { numRuns: 60 },
    );
  });
});
