import { linkTarget, lstatHost, readValue } from '../files.ts';
import type { Place } from '../open-file.ts';
import { namesIn } from './tolerant.ts';

const CLASS = '/sys/class/net';

/** Hardware types (Linux, if_arp.h) that name the kind of an interface by themselves. */
const BY_TYPE: Readonly<Record<string, string>> = {
  1: 'ethernet',
  772: 'loopback',
  512: 'ppp',
  32: 'infiniband',
};

/** How an address was assigned (Linux, netdevice.h, NET_ADDR_*): 1 is random at every start. */
const RANDOM_ADDRESS = '1';

/** An interface that lasts. */
export interface Interface {
  readonly name: string;
  readonly mac: string | null;
  readonly type: string;
  readonly virtual: boolean;
}

const has = (place: Place, path: string): boolean => lstatHost(place, path) !== undefined;

function kindOf(place: Place, folder: string): string {
  if (has(place, `${folder}/phy80211`) || has(place, `${folder}/wireless`)) return 'wifi';
  if (has(place, `${folder}/bridge`)) return 'bridge';
  if (has(place, `${folder}/bonding`)) return 'bond';
  if (has(place, `${folder}/tun_flags`)) return 'tunnel';
  const devtype = /^DEVTYPE=(\w+)$/m.exec(readValue(place, `${folder}/uevent`) ?? '')?.[1];
  if (devtype === 'vlan') return 'vlan';
  if (devtype === 'wireguard') return 'tunnel';
  return BY_TYPE[readValue(place, `${folder}/type`) ?? ''] ?? 'other';
}

/**
 * The address of the hardware. Wireless adapters often wear a random one: theirs comes from the radio. A virtual
 * interface with an address drawn at every start has none that says anything.
 */
function macOf(place: Place, folder: string, type: string, virtual: boolean): string | null {
  const own = type === 'wifi' ? readValue(place, `${folder}/phy80211/macaddress`) : null;
  if (virtual && readValue(place, `${folder}/addr_assign_type`) === RANDOM_ADDRESS) return null;
  const mac = (own ?? readValue(place, `${folder}/address`))?.toLowerCase() ?? null;
  return mac === '00:00:00:00:00:00' ? null : mac;
}

/** Interfaces that come and go with containers and virtual machines. */
const PASSING = /^(?:veth|cali|lxc|tap|vnet|fc-)/;

/** The interfaces of the host that last, by name. */
export function interfaces(place: Place): Interface[] {
  return namesIn(place, CLASS)
    .filter((name) => !PASSING.test(name) && linkTarget(place, `${CLASS}/${name}`) !== undefined)
    .map((name) => {
      const folder = `${CLASS}/${name}`;
      const virtual = (linkTarget(place, folder) ?? '').includes('/devices/virtual/');
      const type = kindOf(place, folder);
      return { name, mac: macOf(place, folder, type, virtual), type, virtual };
    });
}
