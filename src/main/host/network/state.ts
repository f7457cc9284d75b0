import { BlockList } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import type { NetworkAddress, NetworkState } from './network.ts';

/** A default route of the host. */
export interface DefaultRoute {
  readonly interface: string;
  /** `null` where the interface itself is the way, as with a tunnel. */
  readonly gateway: string | null;
}

/** What the host says beside its addresses. */
export interface HostRouting {
  readonly routes: readonly DefaultRoute[];
  /** As the host lists them; cleaned by `assembleState`. */
  readonly searchDomains: readonly string[];
}

/** Addresses by interface, as `os.networkInterfaces` gives them: only interfaces that are up and running. */
export type Interfaces = Readonly<Partial<Record<string, readonly NetworkInterfaceInfo[]>>>;

/** A host with more is one whose addresses come from a program; the rest says nothing new. */
const MAX_ADDRESSES = 1024;

/** As many as glibc reads (resolv.conf(5)). */
const MAX_SEARCH_DOMAINS = 32;

/** RFC 3927 and RFC 4291: addresses that a host gives itself and that lead nowhere beyond the link. */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');

/**
 * Interfaces that container engines, hypervisors and orchestrators make on this host. They come and go with every
 * container, and their private ranges are the same everywhere, so they say nothing about where the host is. One that
 * carries a default route does count: inside a container `eth0` is such a pair, and a bridge may hold the real adapter.
 */
const PLUMBING =
  /^(?:veth|docker|br-[0-9a-f]{12}$|podman|nerdctl|cni|cbr|kube-|flannel|cali|cilium|lxc|lxd|virbr|vnet|vmnet|vboxnet|vEthernet \()/;

/** Host name rules of RFC 1123 with the underscore that directories use. */
const DOMAIN = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
const MAX_DOMAIN = 253;

/** Makes the state from what the host says. Pure. */
export function assembleState(
  interfaces: Interfaces,
  routing: HostRouting,
  metered: boolean | 'unknown',
): NetworkState {
  const routed = new Set(routing.routes.map((route) => route.interface));
  const addresses = Object.entries(interfaces)
    .filter(([name]) => routed.has(name) || !PLUMBING.test(name))
    .flatMap(([name, infos = []]) => infos.flatMap((info) => addressOf(name, info)))
    .sort((a, b) => compare(a.interface, b.interface) || compare(a.address, b.address))
    .slice(0, MAX_ADDRESSES);
  const gateways = routing.routes.flatMap(({ gateway }) => (gateway === null ? [] : [gateway]));
  return {
    online: addresses.length > 0,
    metered,
    addresses,
    gateways: [...new Set(gateways)].sort(compare),
    dnsSuffixes: suffixesOf(routing.searchDomains),
  };
}

/**
 * Whether nothing changed that could lead to another decision. A network of which nothing is known to be metered counts
 * as one that isn't, so that the late answer of a desktop is no change.
 */
export function sameState(a: NetworkState, b: NetworkState): boolean {
  return fingerprint(a) === fingerprint(b);
}

const fingerprint = (state: NetworkState): string =>
  JSON.stringify([state.metered === true, state.addresses, state.gateways, state.dnsSuffixes]);

function addressOf(name: string, info: NetworkInterfaceInfo): NetworkAddress[] {
  const { address, cidr, internal } = info;
  const family = info.family === 'IPv6' ? 'IPv6' : 'IPv4';
  if (internal || cidr === null || LINK_LOCAL.check(address, family === 'IPv6' ? 'ipv6' : 'ipv4')) return [];
  return [{ interface: name, address, family, prefix: Number(cidr.slice(cidr.indexOf('/') + 1)) }];
}

function suffixesOf(searchDomains: readonly string[]): string[] {
  const cleaned = searchDomains.map((domain) => domain.toLowerCase().replace(/\.$/, ''));
  const valid = cleaned.filter((domain) => domain.length <= MAX_DOMAIN && DOMAIN.test(domain));
  return [...new Set(valid)].slice(0, MAX_SEARCH_DOMAINS);
}

/** By code unit: the same on every host, whatever its language. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
