import { systemClock } from '../../src/main/clock.ts';
import { openNetworkMonitor } from '../../src/main/host/network/open.ts';

/*
 * The monitor of this host's networks and sleep as a program: prints what it reports as one JSON array per line, the
 * name first. Ends with SIGTERM. Run: node network-monitor.ts [ADDRESS_OF_THE_SYSTEM_BUS]
 */

const [systemBus] = process.argv.slice(2);
const say = (...words: readonly unknown[]): void => {
  process.stdout.write(`${JSON.stringify(words)}\n`);
};

const monitor = openNetworkMonitor({ clock: systemClock, systemBus });
say('state', await monitor.state());
monitor.start({
  changed: (state) => {
    say('changed', state);
  },
  resumed: () => {
    say('resumed');
  },
  suspending: () => {
    say('suspending');
  },
  degraded: (reason) => {
    say('degraded', reason);
  },
  unstable: (flapping) => {
    say('unstable', flapping);
  },
  stable: () => {
    say('stable');
  },
});
process.once('SIGTERM', () => {
  void monitor.stop().then(() => {
    say('stopped');
  });
});
