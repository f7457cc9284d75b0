import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OnPremise } from '../../shared/profile.ts';
import { isOnPremise, type Place } from './on-premise.ts';

const nowhere: Place = { addresses: [], gateways: [], dnsSuffixes: [], hostName: 'laptop' };

const at = (address: string, prefix: number) => ({
  interface: 'eth0',
  address,
  family: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const),
  prefix,
});

const office: Place = {
  addresses: [at('192.168.7.20', 24), at('10.20.30.40', 16), at('2001:db8:7::20', 64)],
  gateways: ['10.20.0.1', 'fe80::1%eth0'],
  dnsSuffixes: ['corp.example.com', 'example.net'],
  hostName: 'laptop',
};

const judge = async (rules: Partial<OnPremise>, place: Place = office) =>
  isOnPremise({ ipRange: '0.0.0.0/0', ...rules }, place);
const holds = async (rules: Partial<OnPremise>, place?: Place) => (await judge(rules, place)).onPremise;

describe('on the premises', () => {
  it('R275 is everywhere with the range 0.0.0.0/0, even without a network', async () => {
    expect(await holds({})).toBe(true);
    expect(await holds({}, nowhere)).toBe(true);
    expect(await holds({ ipRange: '' }, nowhere)).toBe(true);
  });

  it.each(['10.0.0.0/8', '10.20.30.40/32', '10.99.99.99/8', '2001:db8::/32', '2001:DB8:7:0::/64', '::/0'])(
    'R274 is where an address of this host is in the range %s',
    async (ipRange) => {
      expect(await holds({ ipRange })).toBe(true);
      expect(await holds({ ipRange }, nowhere)).toBe(false);
    },
  );

  it.each(['10.21.0.0/16', '192.168.8.0/24', '10.20.30.41/32', '2001:db8:8::/48'])(
    'R275 is not where no address is in the range %s',
    async (ipRange) => {
      expect(await judge({ ipRange })).toEqual({
        onPremise: false,
        reason: `no address is in ${ipRange}`,
        malformed: false,
      });
    },
  );

  it('does not take an IPv4 address for an IPv6 one that maps it, nor the other way', async () => {
    const mapped = { ...nowhere, addresses: [at('::ffff:10.1.2.3', 96)] };
    expect(await holds({ ipRange: '10.0.0.0/8' }, mapped)).toBe(false);
    expect(await holds({ ipRange: '::/0' }, { ...nowhere, addresses: [at('10.1.2.3', 8)] })).toBe(false);
  });

  it('R274 asks for the gateway, however its address is written', async () => {
    expect(await holds({ gateway: '10.20.0.1' })).toBe(true);
    expect(await holds({ gateway: 'FE80:0::0:1' })).toBe(true);
    expect(await judge({ gateway: '10.20.0.2' })).toMatchObject({
      onPremise: false,
      reason: '10.20.0.2 is not the gateway',
    });
  });

  it('R274 asks for the mask of an address in the range, not of any', async () => {
    expect(await holds({ subnetMask: '255.255.255.0' })).toBe(true);
    expect(await holds({ ipRange: '10.0.0.0/8', subnetMask: '255.255.0.0' })).toBe(true);
    expect(await holds({ ipRange: '10.0.0.0/8', subnetMask: '255.255.255.0' })).toBe(false);
    expect(await holds({ subnetMask: '255.255.0.0' }, nowhere)).toBe(false);
  });

  it('R274 searches the DNS suffixes for the expression, and this host’s name under them', async () => {
    expect(await holds({ dnsSuffix: '^(.*)\\.example.com$' })).toBe(true);
    expect(await holds({ dnsSuffix: '^laptop\\.example\\.NET$' })).toBe(true);
    expect(await holds({ dnsSuffix: 'corp' })).toBe(true);
    expect(await holds({ dnsSuffix: '^(.*)\\.example.org$' })).toBe(false);
    expect(await holds({ dnsSuffix: '.*' }, nowhere)).toBe(false);
  });

  it('takes a bare domain for the suffix of the example, which asks for something before it', async () => {
    const place = { ...nowhere, dnsSuffixes: ['example.com'] };
    expect(await holds({ dnsSuffix: '^(.*)\\.example.com$' }, place)).toBe(true);
  });

  it('R274 asks for every field that is set', async () => {
    const all = {
      ipRange: '10.0.0.0/8',
      gateway: '10.20.0.1',
      subnetMask: '255.255.0.0',
      dnsSuffix: 'example',
    };
    expect(await holds(all)).toBe(true);
    const wrong = {
      ipRange: '11.0.0.0/8',
      gateway: '10.20.0.9',
      subnetMask: '255.0.0.0',
      dnsSuffix: 'other',
    };
    for (const [field, value] of Object.entries(wrong)) {
      expect(await holds({ ...all, [field]: value }), field).toBe(false);
    }
  });

  it('takes an empty gateway, mask or suffix, and 0.0.0.0, for not set', async () => {
    expect(await holds({ gateway: '0.0.0.0', subnetMask: '0.0.0.0', dnsSuffix: '' }, nowhere)).toBe(true);
    expect(await holds({ gateway: ' ', subnetMask: '' }, nowhere)).toBe(true);
  });

  it.each<[keyof OnPremise, string]>([
    ['ipRange', '10.0.0.0'],
    ['ipRange', '10.0.0.0/33'],
    ['ipRange', '2001:db8::/129'],
    ['ipRange', '10.0.0.256/8'],
    ['ipRange', '010.0.0.0/8'],
    ['ipRange', '10.0.0.1-10.0.0.9'],
    ['gateway', 'router'],
    ['gateway', '10.0.0.1/24'],
    ['subnetMask', '255.0.255.0'],
    ['subnetMask', '24'],
    ['dnsSuffix', '('],
    ['dnsSuffix', '(?=example)'],
    ['dnsSuffix', '(a)\\1'],
    ['dnsSuffix', '((a{100}){100}){100}'],
  ])('R274 is nowhere with %s %s, and says which field is wrong', async (field, value) => {
    const verdict = await judge({ [field]: value });
    expect(verdict).toMatchObject({ onPremise: false, malformed: true });
    expect(verdict.reason).toMatch(new RegExp(`^On Premise Detection, ${field}: `));
  });

  it('is decided in no time by an expression that others would backtrack on', async () => {
    const place = { ...nowhere, dnsSuffixes: [`${'a'.repeat(250)}!`] };
    const began = performance.now();
    expect(await holds({ dnsSuffix: '^(a+)+$' }, place)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('R274 agrees for every IPv4 address and range with the arithmetic of masks', async () => {
    const ipv4 = fc.ipV4();
    await fc.assert(
      fc.asyncProperty(ipv4, ipv4, fc.integer({ min: 0, max: 32 }), async (address, network, prefix) => {
        const mask = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
        const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
        const inside = (number(address) & mask) >>> 0 === (number(network) & mask) >>> 0;
        const place = { ...nowhere, addresses: [at(address, 24)] };
        expect(await holds({ ipRange: `${network}/${String(prefix)}` }, place)).toBe(inside);
      }),
    );
  });

  it('never throws, and is never anywhere with rules that it calls malformed', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV4Extended(),
      fc.stringMatching(/^[0-9a-f:./%]{1,20}$/),
    );
    const rules = fc.record(
      { ipRange: text, gateway: text, subnetMask: text, dnsSuffix: text },
      { requiredKeys: ['ipRange'] },
    );
    await fc.assert(
      fc.asyncProperty(rules, fc.array(text), async (given, gateways) => {
        const verdict = await isOnPremise(given, { ...office, gateways });
        expect(verdict.malformed && verdict.onPremise).toBe(false);
      }),
    );
  });
});
