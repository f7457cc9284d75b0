import { readFileSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Flapping, NetworkState } from '../../src/main/host/network/network.ts';
import { MonitorProcess } from '../support/monitor-process.ts';
import { noPrivateNetwork, PrivateNetwork } from '../support/private-network.ts';
import { because } from '../support/reason.ts';
import { until } from '../support/until.ts';

/*
 * The monitor as a process in a network namespace of its own, in which adapters (veth pairs) come, go, change their
 * addresses and flap. The kernel, `ip monitor` and /proc are the real ones.
 */

const NO_BUS = 'unix:path=/nonexistent/bus';
const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

const addressesOf = (state: NetworkState): string[] => state.addresses.map((address) => address.address);
const isAlive = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(' ')[2] !== 'Z';
  } catch {
    return false;
  }
};

describe.skipIf(noPrivateNetwork !== undefined)(
  `a host that moves between networks${because(noPrivateNetwork)}`,
  () => {
    let network: PrivateNetwork;
    let monitor: MonitorProcess;

    /** Plugs an adapter in, at once with what else is to be done; its other end is the rest of the world. */
    const plugIn = (name: string, address: string, ...more: readonly string[]): void => {
      network.ip(
        `link add ${name} type veth peer name ${name}-far`,
        `address add ${address} dev ${name}`,
        `link set ${name}-far up`,
        `link set ${name} up`,
        ...more,
      );
    };
    /** The monitor, once `ip monitor` listens. */
    const open = async (): Promise<void> => {
      monitor = new MonitorProcess(NO_BUS, network.prefix);
      await monitor.hears('state');
      await until('ip monitor', () => monitor.children().find(isListening));
    };

    beforeEach(async () => {
      network = new PrivateNetwork();
      await open();
    });
    afterEach(async () => {
      await monitor.end();
      network.close();
    });

    it('R007 reports each network with addresses, gateway and prefix soon after it is there', async () => {
      expect(monitor.words[0]?.value).toMatchObject({ online: false, addresses: [], gateways: [] });
      const from = Date.now();
      const office = await monitor.changesWith(() => {
        plugIn('dock0', '192.0.2.7/25', 'route add default via 192.0.2.1');
      });
      expect(Date.now() - from).toBeLessThan(10_000);
      expect(office).toMatchObject({
        online: true,
        addresses: [{ interface: 'dock0', address: '192.0.2.7', family: 'IPv4', prefix: 25 }],
        gateways: ['192.0.2.1'],
      });

      const moved = await monitor.changesWith(() => {
        network.ip('address add 198.51.100.7/24 dev dock0', 'address del 192.0.2.7/25 dev dock0');
      });
      expect(addressesOf(moved)).toEqual(['198.51.100.7']);

      const train = await monitor.changesWith(() => {
        network.ip('link del dock0');
      });
      expect(train).toMatchObject({ online: false, addresses: [], gateways: [] });
    });

    it('reports the loss of the link and its return, and IPv6 with its gateway', async () => {
      const v6 = await monitor.changesWith(() => {
        plugIn(
          'wl0',
          '192.0.2.7/24',
          'address add 2001:db8::7/64 dev wl0 nodad',
          'route add default via fe80::1 dev wl0',
        );
      });
      expect(addressesOf(v6)).toEqual(['192.0.2.7', '2001:db8::7']);
      expect(v6.gateways).toEqual(['fe80::1']);
      const lost = await monitor.changesWith(() => {
        network.ip('link set wl0-far down');
      });
      expect(lost.online).toBe(false);
      const back = await monitor.changesWith(() => {
        network.ip('link set wl0-far up');
      });
      expect(addressesOf(back)).toContain('192.0.2.7');
    });

    it('is not disturbed by containers that come and go', async () => {
      await monitor.changesWith(() => {
        plugIn('dock0', '192.0.2.7/24');
      });
      const before = monitor.words.length;
      for (let i = 0; i < 5; i += 1) {
        plugIn('vethc0', '172.17.0.1/16');
        network.ip('link del vethc0');
      }
      plugIn('vethc0', '172.17.0.1/16');
      // The next real change is reported, and alone: what came before it led to nothing.
      await seconds(3);
      const next = await monitor.changesWith(() => {
        network.ip('address add 192.0.2.8/24 dev dock0');
      });
      expect(addressesOf(next)).toEqual(['192.0.2.7', '192.0.2.8']);
      expect(monitor.words).toHaveLength(before + 1);
    });

    it('reports an interface that flaps each second a few times, says so, and ends with what remains', async () => {
      plugIn('flap0', '192.0.2.7/24');
      const from = Date.now();
      for (let i = 0; Date.now() - from < 20_000; i += 1) {
        network.ip(`link set flap0-far ${i % 2 === 0 ? 'down' : 'up'}`);
        await seconds(1.1);
      }
      expect((await monitor.hears('unstable')).value).toEqual({ count: 6, seconds: 60, pause: 30 });
      expect(monitor.named('changed').length).toBeLessThanOrEqual(6);
      network.ip('link set flap0-far up', 'address add 192.0.2.9/24 dev flap0');
      const last = await monitor.hears('changed', monitor.words.length, 40_000);
      expect(addressesOf(last.value as NetworkState)).toEqual(['192.0.2.7', '192.0.2.9']);
      expect((monitor.named('unstable').at(-1)?.value as Flapping).count).toBeGreaterThan(10);
    });

    it('goes on when ip monitor is killed: by looking at first, then with a new one', async () => {
      const [first = 0] = monitor.children();
      const from = monitor.words.length;
      process.kill(first, 'SIGKILL');
      const degraded = await monitor.hears('degraded', from);
      expect(degraded.value).toContain('SIGKILL');
      const second = await until('a new ip monitor', () => monitor.children().find(isListening));
      expect(second).not.toBe(first);
      const state = await monitor.changesWith(() => {
        plugIn('dock0', '192.0.2.7/24');
      });
      expect(addressesOf(state)).toEqual(['192.0.2.7']);
    });

    it('leaves no process behind: neither when it ends nor, after the next change, when it is killed', async () => {
      const [first = 0] = monitor.children();
      await monitor.end();
      expect(monitor.named('stopped')).toHaveLength(1);
      expect(isAlive(first)).toBe(false);
      await open();
      const [second = 0] = monitor.children();
      await monitor.end('SIGKILL');
      plugIn('dock0', '192.0.2.7/24');
      await until('the end of ip monitor', () => (isAlive(second) ? undefined : true));
    });
  },
);

/** Whether a process has an open netlink socket, and so listens: the kernel lists them by inode. */
function isListening(pid: number): boolean {
  const inodes = readFileSync(`/proc/${String(pid)}/net/netlink`, 'utf8')
    .split('\n')
    .slice(1)
    .flatMap((line) => line.trim().split(/\s+/).slice(-1));
  for (let fd = 3; fd < 8; fd += 1) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${String(pid)}/fd/${String(fd)}`))?.[1];
      if (inode !== undefined && inodes.includes(inode)) return true;
    } catch {
      continue;
    }
  }
  return false;
}
