import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressProblems, givenRules, prefixOfMask } from './on-premise.ts';
import type { OnPremise } from './profile.ts';

const rulesOf = (rules: Partial<OnPremise>): OnPremise => ({ ipRange: '0.0.0.0/0', ...rules });
const fieldsOf = (rules: Partial<OnPremise>) => addressProblems(rulesOf(rules)).map(({ field }) => field);

describe('the rules of on-premise detection', () => {
  it('R274 take networks, addresses and masks of IPv4, and networks and addresses of IPv6', () => {
    expect(fieldsOf({ ipRange: '10.0.0.0/8', gateway: '10.0.0.1', subnetMask: '255.255.240.0' })).toEqual([]);
    expect(fieldsOf({ ipRange: '2001:db8::/32', gateway: 'fe80::1' })).toEqual([]);
    expect(fieldsOf({ ipRange: ' 10.0.0.0/8 ', gateway: ' 10.0.0.1 ' })).toEqual([]);
  });

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0/8',
    '010.0.0.0/8',
    '2001:db8::/129',
    '2001:db8::',
    'office',
    '0/0',
  ])('refuse %j as a range', (ipRange) => {
    expect(fieldsOf({ ipRange })).toEqual(['ipRange']);
  });

  it.each(['router', '10.0.0.1/24', '10.0.0.256', 'fe80::1%eth0', '1'])(
    'refuse %j as a gateway',
    (gateway) => {
      expect(fieldsOf({ gateway })).toEqual(['gateway']);
    },
  );

  it.each(['255.0.255.0', '255.255.255.1', '24', '/24', '0.0.0.255', 'ffff::'])(
    'refuse %j as a mask',
    (subnetMask) => {
      expect(fieldsOf({ subnetMask })).toEqual(['subnetMask']);
    },
  );

  it('refuse a mask beside an IPv6 range, where no address has one', () => {
    expect(fieldsOf({ ipRange: '2001:db8::/32', subnetMask: '255.255.255.0' })).toEqual(['subnetMask']);
  });

  it('name every field that is wrong, with its text cut short', () => {
    const text = 'x'.repeat(1000);
    const problems = addressProblems(rulesOf({ ipRange: text, gateway: text, subnetMask: text }));
    expect(problems.map(({ field }) => field)).toEqual(['ipRange', 'gateway', 'subnetMask']);
    for (const { reason } of problems) expect(reason.length).toBeLessThan(120);
  });

  it('take nothing and 0.0.0.0 as gateway or mask for not set, and no range for everywhere', () => {
    const empty = { ipRange: ' ', gateway: '', subnetMask: '0.0.0.0', dnsSuffix: '' };
    expect(givenRules(empty)).toEqual({ ipRange: '0.0.0.0/0' });
    expect(addressProblems(empty)).toEqual([]);
    expect(givenRules({ ipRange: '::/0', gateway: '0.0.0.0', dnsSuffix: ' a' })).toEqual({
      ipRange: '::/0',
      dnsSuffix: ' a',
    });
  });

  it('count the bits of every mask', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 32 }), (prefix) => {
        const bits = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
        const mask = [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
        expect(prefixOfMask(mask)).toBe(prefix);
      }),
    );
  });
});
