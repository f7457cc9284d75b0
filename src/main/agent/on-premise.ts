import { BlockList } from 'node:net';
import { addressProblems, EVERYWHERE, givenRules, prefixOfMask } from '../../shared/on-premise.ts';
import type { OnPremise } from '../../shared/profile.ts';
import type { NetworkAddress, NetworkState } from '../host/network/network.ts';

/** Whether this host is on the premises, and which rule decided. */
export interface Verdict {
  readonly onPremise: boolean;
  readonly reason: string;
  /** The rules can't be applied as they stand; the reason names the field. */
  readonly malformed: boolean;
}

/** What the rules look at. `hostName` is the bare name, without a domain. */
export type Place = Pick<NetworkState, 'addresses' | 'gateways' | 'dnsSuffixes'> & {
  readonly hostName: string;
};

/** Bounds on what an expression is tried on: search domains (resolv.conf(5) keeps fewer), and a DNS name (RFC 1035). */
const MAX_SUFFIXES = 32;
const MAX_NAME = 255;

/**
 * Whether a host counts as on the premises (R274, R275): every rule that is set has to hold. The mask is that of an
 * address in the range; the gateway is any default gateway; the DNS suffix is searched for in the resolver's search
 * domains and in this host's name under them, in any case. The host's own full name counts for nothing: it keeps it
 * wherever it goes. Rules that are malformed hold nowhere. The regular-expression engine is loaded only where a rule
 * needs it.
 */
export async function isOnPremise(rules: OnPremise, place: Place): Promise<Verdict> {
  const problem = addressProblems(rules)[0];
  if (problem !== undefined) return malformed(problem.field, problem.reason);
  const { ipRange, gateway, subnetMask, dnsSuffix } = givenRules(rules);
  const inRange = place.addresses.filter(within(ipRange));
  if (ipRange !== EVERYWHERE && inRange.length === 0) return elsewhere(`no address is in ${ipRange}`);
  if (subnetMask !== undefined && !inRange.some(hasMask(subnetMask))) {
    return elsewhere(`no address in ${ipRange} has the mask ${subnetMask}`);
  }
  if (gateway !== undefined && !place.gateways.some(equalTo(gateway))) {
    return elsewhere(`${gateway} is not the gateway`);
  }
  if (dnsSuffix !== undefined) {
    const matches = await searchFor(dnsSuffix);
    if (matches === undefined) return malformed('dnsSuffix', 'is not a regular expression of RE2');
    if (!namesAt(place).some(matches)) return elsewhere('no DNS suffix matches the expression');
  }
  return { onPremise: true, reason: 'every rule of On Premise Detection holds', malformed: false };
}

const elsewhere = (reason: string): Verdict => ({ onPremise: false, reason, malformed: false });
const malformed = (field: string, reason: string): Verdict => ({
  onPremise: false,
  reason: `On Premise Detection, ${field}: ${reason}`,
  malformed: true,
});

function within(cidr: string): (address: NetworkAddress) => boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = network.includes(':') ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family);
  // The family is compared, too: an IPv4 range would take in IPv6 addresses that only map one.
  return (address) => familyOf(address.address) === family && list.check(bare(address.address), family);
}

const hasMask =
  (mask: string) =>
  ({ address, prefix }: NetworkAddress): boolean =>
    familyOf(address) === 'ipv4' && prefix === prefixOfMask(mask);

/** Equal as addresses: IPv6 has many spellings of one. */
function equalTo(expected: string): (address: string) => boolean {
  const family = familyOf(expected);
  const list = new BlockList();
  list.addAddress(expected, family);
  return (address) => familyOf(address) === family && list.check(bare(address), family);
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

/** Without the zone of a link-local address. */
const bare = (address: string): string => address.replace(/%.*$/, '');

function namesAt({ dnsSuffixes, hostName }: Place): string[] {
  const suffixes = dnsSuffixes.slice(0, MAX_SUFFIXES);
  return [...suffixes, ...suffixes.map((suffix) => `${hostName}.${suffix}`)].map((name) =>
    name.slice(0, MAX_NAME),
  );
}

/** A search for an expression of a profile, in time linear in the text; `undefined` for what RE2 refuses. */
async function searchFor(expression: string): Promise<((text: string) => boolean) | undefined> {
  const { RE2JS } = await import('re2js');
  try {
    const compiled = RE2JS.compile(expression, RE2JS.CASE_INSENSITIVE);
    return (text) => compiled.test(text);
  } catch {
    return undefined;
  }
}
