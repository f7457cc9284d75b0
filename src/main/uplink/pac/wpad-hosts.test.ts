import fc from 'fast-check';
import { getPublicSuffix } from 'tldts';
import { describe, expect, it } from 'vitest';
import { wpadHosts } from './wpad-hosts.ts';

describe('the hosts that may hold a WPAD script', () => {
  it.each([
    ['example.com', ['wpad.example.com']],
    [
      'eng.berlin.example.co.uk',
      ['wpad.eng.berlin.example.co.uk', 'wpad.berlin.example.co.uk', 'wpad.example.co.uk'],
    ],
    ['Corp.Example.COM.', ['wpad.corp.example.com', 'wpad.example.com']],
    ['office.corp.local', ['wpad.office.corp.local', 'wpad.corp.local']],
    ['someone.github.io', ['wpad.someone.github.io']],
    ['com', []],
    ['co.uk', []],
    ['github.io', []],
    ['lan', []],
    ['192.0.2.1', []],
    ['', []],
    ['..', []],
    ['http://a.b.example.com', []],
    ['a.example.com/../x', []],
    ['someone@example.com', []],
    ['example.com:99', []],
    ['a\nb.example.com', []],
  ])('of %s are %j', async (suffix, hosts) => {
    expect(await wpadHosts([suffix])).toEqual(hosts);
  });

  it('are asked for once each, and eight at most', async () => {
    expect(await wpadHosts(['a.example.com', 'b.example.com', 'a.example.com'])).toEqual([
      'wpad.a.example.com',
      'wpad.example.com',
      'wpad.b.example.com',
    ]);
    expect(await wpadHosts([`${'a.'.repeat(20)}example.com`])).toHaveLength(8);
  });

  it('never lie in a domain where anybody can take a name', async () => {
    const suffix = fc.oneof(
      fc.domain(),
      fc.constantFrom(
        'com',
        'co.uk',
        'github.io',
        'lan',
        'a.b.c.kobe.jp',
        'city.kobe.jp',
        'x.ck',
        'compute.amazonaws.com',
      ),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(suffix, { maxLength: 4 }), async (suffixes) => {
        for (const host of await wpadHosts(suffixes)) {
          const domain = host.slice('wpad.'.length);
          expect(getPublicSuffix(domain, { allowPrivateDomains: true })).not.toBe(domain);
        }
      }),
    );
  });
});
