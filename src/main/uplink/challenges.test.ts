import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenges.ts';

describe('the challenges of a proxy', () => {
  it.each<[string, string[], object[]]>([
    ['one with a parameter', ['Basic realm="x"'], [{ scheme: 'Basic' }]],
    [
      'several in one field',
      ['Negotiate, NTLM, Basic realm="a, b", charset="UTF-8"'],
      [{ scheme: 'Negotiate' }, { scheme: 'NTLM' }, { scheme: 'Basic' }],
    ],
    ['one in each field', ['Negotiate', 'Basic realm=x'], [{ scheme: 'Negotiate' }, { scheme: 'Basic' }]],
    ['a token', ['Negotiate oYG2MIGzoAMKAQE='], [{ scheme: 'Negotiate', token: 'oYG2MIGzoAMKAQE=' }]],
    [
      'parameters that look like schemes',
      ['Digest realm="Basic", nonce="Negotiate abc", qop=auth'],
      [{ scheme: 'Digest' }],
    ],
    ['an escaped quote', ['Basic realm="a\\", Negotiate"'], [{ scheme: 'Basic' }]],
    ['nothing', ['', ' , ,', '"'], []],
  ])('are read: %s', (_, fields, expected) => {
    expect(parseChallenges(fields)).toEqual(expected);
  });

  it('are at most sixteen, and read from whatever comes without throwing', () => {
    expect(parseChallenges([Array.from({ length: 99 }, (_, n) => `S${n}`).join(',')])).toHaveLength(16);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (fields) => {
        for (const { scheme } of parseChallenges(fields)) expect(scheme).toMatch(/^[!-~]{1,32}$/);
      }),
    );
  });

  it('cost no more time when they are made to', () => {
    const startedAt = performance.now();
    parseChallenges(['"\\'.repeat(100_000), ' '.repeat(100_000), 'a ='.repeat(50_000)]);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
