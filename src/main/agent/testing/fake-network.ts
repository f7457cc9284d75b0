import type { NetworkListener, NetworkMonitor, NetworkState } from '../../host/network/network.ts';

/** The host's networks, changed by hand. */
export class FakeNetwork implements NetworkMonitor {
  now: NetworkState = {
    online: true,
    metered: false,
    addresses: [{ interface: 'eth0', address: '192.0.2.10', family: 'IPv4', prefix: 24 }],
    gateways: ['192.0.2.1'],
    dnsSuffixes: ['example.org'],
  };
  /** Whoever listens; `undefined` before the start and after the end. */
  listener: NetworkListener | undefined;

  state(): Promise<NetworkState> {
    return Promise.resolve(this.now);
  }

  start(listener: NetworkListener): void {
    this.listener = listener;
  }

  stop(): Promise<void> {
    this.listener = undefined;
    return Promise.resolve();
  }

  change(change: Partial<NetworkState>): void {
    this.now = { ...this.now, ...change };
    this.listener?.changed(this.now);
  }
}
