import { readFileSync } from 'node:fs';
import type { MessageBus } from 'dbus-native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NetworkState } from '../../src/main/host/network/network.ts';
import { FakeLogind, sendPrepareForSleep } from '../support/fake-logind.ts';
import { FakeNetworkManager } from '../support/fake-networkmanager.ts';
import { MonitorProcess } from '../support/monitor-process.ts';
import { noPrivateBus, PrivateBus } from '../support/private-bus.ts';
import { noPrivateNetwork, PrivateNetwork } from '../support/private-network.ts';
import { because } from '../support/reason.ts';
import { until } from '../support/until.ts';

/*
 * The monitor as a process against a real message bus of its own, on which doubles named fake-logind and
 * fake-networkmanager speak.
 */

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

describe.skipIf(noPrivateBus !== undefined)(
  `a host that sleeps and pays by volume${because(noPrivateBus)}`,
  () => {
    let bus: PrivateBus;
    let monitor: MonitorProcess;
    let logind: FakeLogind;
    /** Where that can be had: on this machine's own network other tests plug cables in and out. */
    let quiet: PrivateNetwork | undefined;
    const open = (): void => {
      monitor = new MonitorProcess(bus.address, quiet?.prefix);
    };
    const metering = async (from: number): Promise<NetworkState['metered']> =>
      ((await monitor.hears('changed', from)).value as NetworkState).metered;

    beforeEach(async () => {
      quiet = noPrivateNetwork === undefined ? new PrivateNetwork() : undefined;
      bus = new PrivateBus();
      await bus.start();
      logind = await FakeLogind.on(await connection());
    });
    afterEach(async () => {
      await monitor.end();
      await bus.close();
      quiet?.close();
    });

    /** A connection that takes its end for granted: tests kill the bus. */
    async function connection(): Promise<MessageBus> {
      const made = await bus.connect();
      made.connection.on('error', () => undefined);
      return made;
    }

    it('announces sleep and reports waking, each once', async () => {
      open();
      await monitor.hears('state');
      logind.prepareForSleep(true);
      await monitor.hears('suspending');
      logind.prepareForSleep(false);
      await monitor.hears('resumed');
      logind.prepareForSleep(true);
      await monitor.hears('suspending', 3);
      expect(monitor.words.map(({ name }) => name)).toEqual(['state', 'suspending', 'resumed', 'suspending']);
    });

    it('believes nobody but logind, not even one who writes to it directly', async () => {
      open();
      await monitor.hears('state');
      const stranger = await connection();
      sendPrepareForSleep(stranger, true);
      for (const name of await stranger.listNames())
        if (name.startsWith(':')) sendPrepareForSleep(stranger, true, name);
      await stranger.close();
      logind.prepareForSleep(true);
      await monitor.hears('suspending');
      logind.prepareForSleep(false);
      await monitor.hears('resumed');
      expect(monitor.named('suspending')).toHaveLength(1);
    });

    it('knows with its first word that the network is metered, and follows', async () => {
      const networkManager = await FakeNetworkManager.on(await connection(), 1);
      open();
      expect((await monitor.hears('state')).value).toMatchObject({ metered: true });
      networkManager.metered = 4;
      expect(await metering(1)).toBe(false);
      networkManager.metered = 3;
      expect(await metering(2)).toBe(true);
      await networkManager.end();
      expect(await metering(3)).toBe('unknown');
      await FakeNetworkManager.on(await connection(), 1);
      expect(await metering(4)).toBe(true);
    });

    it('says once that the bus is gone, connects again when it is back, and keeps on listening', async () => {
      open();
      await monitor.hears('state');
      await bus.kill();
      await monitor.hears('degraded');
      await seconds(2);
      await bus.start();
      logind = await FakeLogind.on(await connection());
      await FakeNetworkManager.on(await connection(), 1);
      expect(await metering(1)).toBe(true);
      logind.prepareForSleep(true);
      await monitor.hears('suspending');
      logind.prepareForSleep(false);
      await monitor.hears('resumed');
      expect(monitor.named('degraded')).toHaveLength(1);
    });

    it('says that nobody tells of sleep where there is no logind, and hears it once it is there', async () => {
      await logind.end();
      open();
      expect((await monitor.hears('degraded')).value).toContain('logind is not running');
      logind = await FakeLogind.on(await connection());
      await until('the announcement', () => {
        logind.prepareForSleep(true);
        return monitor.named('suspending').length > 0 ? true : undefined;
      });
    });

    it('costs little while nothing happens', async () => {
      open();
      await monitor.hears('state');
      const children = await until('ip monitor', () =>
        monitor.children().length === 1 ? monitor.children() : undefined,
      );
      await seconds(8);
      const processes = [monitor.pid, ...children];
      const before = processes.map(wakeUps);
      await seconds(10);
      const perSecond = processes.map((pid, i) => (wakeUps(pid) - (before[i] ?? 0)) / 10);
      const kb = pssKb(children[0] ?? 0);
      process.stderr.write(
        `network monitor, idle: ${perSecond.map((count) => count.toFixed(2)).join(' + ')} wake-ups/s ` +
          `(monitor + ip monitor); ip monitor ${String(kb)} KB PSS\n`,
      );
      expect(perSecond.reduce((sum, count) => sum + count, 0)).toBeLessThan(1);
      expect(kb).toBeLessThan(4_096);
    });
  },
);

/** Voluntary context switches of the main thread: it slept and was woken so often. */
function wakeUps(pid: number): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]);
}

/** Proportional share of memory, KB. */
function pssKb(pid: number): number {
  return Number(/^Pss:\s*(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8'))?.[1]);
}
