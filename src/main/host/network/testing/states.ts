import type { NetworkState } from '../network.ts';

/** A host on a network with this address. */
export function onNetwork(address: string, changes: Partial<NetworkState> = {}): NetworkState {
  return {
    online: true,
    metered: 'unknown',
    addresses: [{ interface: 'eth0', address, family: 'IPv4', prefix: 24 }],
    gateways: ['192.0.2.1'],
    dnsSuffixes: ['example.org'],
    ...changes,
  };
}
