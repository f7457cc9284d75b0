import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gaps } from './gaps.ts';

describe('the count of lost process events', () => {
  it('is what is missing between the first and the last one that came of each processor', () => {
    const stream = fc.record({
      first: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      came: fc.array(fc.tuple(fc.nat(2), fc.boolean()), { minLength: 1, maxLength: 60 }),
    });
    fc.assert(
      fc.property(stream, ({ first, came }) => {
        const gaps = new Gaps();
        const sent = [first, first, first];
        const pending = [0, 0, 0];
        const begun = [false, false, false];
        let counted = 0;
        let lost = 0;
        for (const [cpu, arrives] of came) {
          const sequence = sent[cpu]!;
          sent[cpu] = (sequence + 1) % 2 ** 32;
          if (!arrives) {
            pending[cpu]! += 1;
            continue;
          }
          if (begun[cpu]!) lost += pending[cpu]!;
          begun[cpu] = true;
          pending[cpu] = 0;
          counted += gaps.before(cpu, sequence);
        }
        expect(counted).toBe(lost);
      }),
    );
  });

  it('leaves out answers that the kernel does not count, and a counter that began anew', () => {
    const gaps = new Gaps();
    expect(gaps.before(0xffff_ffff, 5)).toBe(0);
    expect(gaps.before(0xffff_ffff, 9)).toBe(0);
    expect(gaps.before(0, 1_000)).toBe(0);
    expect(gaps.before(0, 3)).toBe(0);
  });

  it('takes a jump for a loss while less than half of all numbers are missing', () => {
    const gaps = new Gaps();
    gaps.before(0, 0);
    expect(gaps.before(0, 2 ** 31)).toBe(2 ** 31 - 1);
    gaps.before(1, 0);
    expect(gaps.before(1, 2 ** 31 + 1)).toBe(0);
  });
});
