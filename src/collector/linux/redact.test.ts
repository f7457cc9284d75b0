import { describe, expect, it } from 'vitest';
import { redactArguments } from './redact.ts';

describe('secrets on a command line', () => {
  const blanked: [string, string[], string[]][] = [
    ['an option', ['a', '--password', 'two words'], ['a', '--password', '[redacted]']],
    ['an assignment', ['a', '--db-password=x,y "z'], ['a', '--db-password=[redacted]']],
    ['a variable', ['env', 'API_KEY=a b', 'true'], ['env', 'API_KEY=[redacted]', 'true']],
    ['a URL', ['git', 'clone', 'https://me:pw@host/x'], ['git', 'clone', 'https://me:[redacted]@host/x']],
    ['curl', ['curl', '-u', 'me:a:b', 'h'], ['curl', '-u', 'me:[redacted]', 'h']],
    ['a header', ['curl', '-H', 'Authorization: Bearer q'], ['curl', '-H', 'Authorization: [redacted]']],
    ['mysql', ['/usr/bin/mysql', '-pq', '-p', 'q'], ['/usr/bin/mysql', '-p[redacted]', '-p', '[redacted]']],
    ['a shell', ['sh', '-c', 'x --token=q; ls'], ['sh', '-c', 'x --token=[redacted]; ls']],
    ['a key', ['a', 'b'.repeat(40)], ['a', '[redacted]']],
  ];
  it.each(blanked)('are blanked whole in %s', (_where, args, expected) => {
    expect(redactArguments(args)).toEqual(expected);
  });

  it('leaves everything else as it is, long paths too', () => {
    const args = ['ssh', '-p', '22', 'host', `/srv/${'a'.repeat(50)}`, '-u', 'me', '', 'a=b'];
    expect(redactArguments(args)).toEqual(args);
  });

  it('takes time in the length of the line alone', () => {
    const args = ['a', ...Array.from({ length: 400 }, () => 'password='.repeat(20)), '-'.repeat(8_192)];
    const begin = performance.now();
    redactArguments(args);
    expect(performance.now() - begin).toBeLessThan(500);
  });
});
