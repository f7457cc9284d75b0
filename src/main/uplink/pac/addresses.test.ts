import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInNet, isInNetEx, quadToNumber, sortIpAddressList } from './addresses.ts';

describe('isInNet', () => {
  it.each([
    ['10.1.2.3', '10.0.0.0', '255.0.0.0', true],
    ['11.1.2.3', '10.0.0.0', '255.0.0.0', false],
    ['198.95.249.79', '198.95.249.79', '255.255.255.255', true],
    ['198.95.249.78', '198.95.249.79', '255.255.255.255', false],
    ['1.2.3.4', '9.9.9.9', '0.0.0.0', true],
    ['192.168.5.6', '192.168.0.0', '255.255.0.0', true],
    ['10.1.2.3', '10.0.0.0', '255.0.0', false],
    ['256.0.0.1', '0.0.0.0', '0.0.0.0', false],
    ['::1', '0.0.0.0', '0.0.0.0', false],
  ])('%s in %s/%s is %s', (address, pattern, mask, expected) => {
    expect(isInNet(address, pattern, mask)).toBe(expected);
  });

  it('holds an address in its own network, whatever the mask', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (address, mask) => {
        expect(isInNet(address, address, mask)).toBe(true);
      }),
    );
  });
});

describe('isInNetEx', () => {
  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '10.1.2.3/32', true],
    ['10.1.2.3', '11.0.0.0/8', false],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['10.1.2.3', '2001:db8::/32', false],
    ['10.1.2.3', '::/0', true],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['::1', '10.0.0.0/8', false],
    ['::1', '0.0.0.0/0', false],
    ['10.1.2.3', '10.0.0.0/33', false],
    ['10.1.2.3', '10.0.0.0', false],
    ['host', '10.0.0.0/8', false],
  ])('%s in %s is %s', (address, prefix, expected) => {
    expect(isInNetEx(address, prefix)).toBe(expected);
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (address, prefix) => {
        expect(isInNetEx(address, prefix)).toBeTypeOf('boolean');
      }),
    );
  });
});

describe('sortIpAddressList', () => {
  it('puts IPv6 first and sorts by value', () => {
    expect(sortIpAddressList('10.2.3.9;2001:4898:28:3:201:2ff:feea:fc14;::1;9.0.0.1')).toBe(
      '::1;2001:4898:28:3:201:2ff:feea:fc14;9.0.0.1;10.2.3.9',
    );
  });

  it.each(['', 'host', '10.0.0.1;', '10.0.0.1;host'])('refuses %j', (list) => {
    expect(sortIpAddressList(list)).toBe(false);
  });

  it('keeps every address', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1 }), (addresses) => {
        const sorted = sortIpAddressList(addresses.join(';'));
        expect(String(sorted).split(';').sort()).toEqual([...addresses].sort());
      }),
    );
  });
});

describe('quadToNumber', () => {
  it('reads addresses alone', () => {
    expect(quadToNumber('255.255.255.255')).toBe(4_294_967_295);
    expect(quadToNumber('0.0.1.2')).toBe(258);
    for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', 'a.b.c.d', ' 1.2.3.4']) {
      expect(quadToNumber(text)).toBeUndefined();
    }
  });
});
