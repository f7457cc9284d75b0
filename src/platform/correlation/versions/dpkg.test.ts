import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { because, noDpkg } from '../../../../test/support/reason.ts';
import { compareDpkg } from './dpkg.ts';

const SCRIPT = `while read -r a b; do
  if dpkg --compare-versions "$a" lt "$b"; then echo -1
  elif dpkg --compare-versions "$a" gt "$b"; then echo 1
  else echo 0; fi
done`;

/** dpkg's own order of every pair, in one process. */
function dpkgOrders(pairs: readonly (readonly [string, string])[]): number[] {
  const input = pairs.map((pair) => `${pair[0]} ${pair[1]}\n`).join('');
  return execFileSync('sh', ['-c', SCRIPT], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
    .trim()
    .split('\n')
    .map(Number);
}

const part = fc
  .array(
    fc.constantFrom(
      '0',
      '1',
      '2',
      '9',
      '10',
      '00',
      'a',
      'z',
      'B',
      '+',
      '.',
      '~',
      '~~',
      'deb',
      'rc',
      '+b',
      '-',
    ),
    {
      minLength: 0,
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(''));
const version = fc
  .tuple(
    fc.constantFrom('', '', '', '0:', '1:', '12:'),
    fc.constantFrom('0', '1', '2', '10'),
    part,
    fc.constantFrom('', '-0', '-1', '-1~deb12u1', '-2+b1'),
  )
  .map((parts) => parts.join('').replace(/-$/, '-0'));
/** Two versions that share a beginning, so that the difference is where it hurts. */
const pair = fc.oneof(
  fc.tuple(version, version),
  fc
    .tuple(version, part)
    .map(([base, tail]) => [base, `${base}${tail}`.replace(/-$/, '-0')] as [string, string]),
);

describe('dpkg version order', () => {
  it.skipIf(noDpkg !== undefined)(
    `equals dpkg --compare-versions on 2,000 generated pairs${because(noDpkg)}`,
    { timeout: 60_000 },
    () => {
      const pairs = fc.sample(pair, { numRuns: 2_000, seed: 20261120 });
      const orders = dpkgOrders(pairs);
      const ours = pairs.map(([a, b]) => Math.sign(compareDpkg(a, b)));
      const wrong = pairs.filter((_, at) => ours[at] !== orders[at]);
      expect(orders).toHaveLength(pairs.length);
      expect(wrong).toEqual([]);
      expect(new Set(orders)).toEqual(new Set([-1, 0, 1]));
    },
  );

  it('is antisymmetric and reflexive', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(compareDpkg(a, b))).toBe(-Math.sign(compareDpkg(b, a)) + 0);
        expect(compareDpkg(a, a)).toBe(0);
      }),
    );
  });

  it.each([
    ['1.0~rc1', '1.0', -1],
    ['1.0', '1.0+b1', -1],
    ['1:0.1', '2.0', 1],
    ['3.0.19-1~deb12u2', '3.0.20-1~deb12u2', -1],
    ['20261120123456789012345', '20261120123456789012346', -1],
    ['1.01', '1.1', 0],
    ['1.0-0', '1.0', 0],
    ['1.a', '1.+', -1],
    ['1.z', '1.+', -1],
    ['1.A', '1.+', -1],
    ['1.Z', '1.+', -1],
    ['1._', '1.a', 1],
    ['1.{', '1.+', 1],
    [':1', '1', 0],
    ['-1', '0-1', 0],
  ])('orders %s against %s', (a, b, order) => {
    expect(Math.sign(compareDpkg(a, b))).toBe(order);
  });
});
