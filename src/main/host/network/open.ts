import { networkInterfaces } from 'node:os';
import type { Clock } from '../../clock.ts';
import { ChildSource, LINUX_WATCH } from './child-source.ts';
import { RESOLVER_FILES } from './linux.ts';
import { MACOS_WATCH } from './macos.ts';
import { Monitor } from './monitor.ts';
import type { NetworkMonitor } from './network.ts';
import { ResolverSource } from './resolver-source.ts';
import { routingReader } from './routing.ts';
import type { ChangeSource } from './source.ts';
import { assembleState, type Interfaces } from './state.ts';
import { SystemBus } from './system-bus.ts';

/** What a monitor of this host needs. */
export interface NetworkMonitorOptions {
  readonly clock: Clock;
  /** Linux: address of the system bus; the well-known socket without it. */
  readonly systemBus?: string | undefined;
}

/** The monitor of this host. It runs nothing before `state` or `start`, and nothing after `stop`. */
export function openNetworkMonitor(options: NetworkMonitorOptions): NetworkMonitor {
  const { clock, systemBus } = options;
  const { platform } = process;
  const monotonic = (): number => performance.now();
  const ended = new AbortController();
  const readRouting = routingReader(platform, ended.signal, monotonic);
  const monitor = new Monitor({
    clock,
    monotonic,
    read: async (metered) => {
      const interfaces = interfacesNow();
      const routing = await readRouting(interfaces);
      return assembleState(interfaces, routing, metered);
    },
    sources: sourcesOf(platform, clock),
    bus: platform === 'linux' ? new SystemBus(clock, systemBus) : undefined,
  });
  return {
    state: () => monitor.state(),
    start: (listener) => {
      monitor.start(listener);
    },
    stop: () => {
      ended.abort();
      return monitor.stop();
    },
  };
}

function sourcesOf(platform: NodeJS.Platform, clock: Clock): ChangeSource[] {
  switch (platform) {
    case 'linux':
      return [new ChildSource('ip monitor', LINUX_WATCH, clock), new ResolverSource(RESOLVER_FILES)];
    case 'darwin':
      return [new ChildSource('scutil', MACOS_WATCH, clock)];
    default:
      return [];
  }
}

/** libuv asks the kernel, which may be out of memory or forbid it (seccomp). */
function interfacesNow(): Interfaces {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
}
