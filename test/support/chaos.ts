import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LaptopNetwork } from './laptop-network.ts';
import { ProxyServer } from './proxy-servers.ts';
import { pause, VICTIMS, type SiteDriver } from './site-driver.ts';
import { Site } from './site.ts';
import type { Disturbance } from './scenario.ts';
import { StallingRelay } from './stalling-relay.ts';

/** What is around the agent, and can be made bad. */
interface World {
  readonly driver: SiteDriver;
  readonly network: LaptopNetwork;
  readonly squid: ProxyServer;
  readonly tinyproxy: ProxyServer;
  readonly relay: StallingRelay;
}

/** One fault: what it is called, how often it is drawn, what it does. Whatever lasts has ended when it resolves. */
interface Fault {
  readonly name: string;
  readonly weight: number;
  readonly strike: (world: World) => Promise<void>;
}

/** Seconds between `from` and `to`, by chance, as ms. */
const some = ({ random }: SiteDriver, from: number, to: number): number =>
  (from + random.next() * (to - from)) * 1000;

const FAULTS: readonly Fault[] = [
  {
    name: 'network cut',
    weight: 3,
    strike: async ({ driver, network }) => {
      network.cut();
      await pause(some(driver, 0.2, 8));
      network.restore();
    },
  },
  {
    name: 'another address',
    weight: 2,
    strike: ({ driver, network }) => {
      network.readdress(2 + driver.random.below(250));
      return Promise.resolve();
    },
  },
  {
    name: 'slow line',
    weight: 1,
    strike: async ({ driver, network }) => {
      network.limitRate(32 + driver.random.below(400));
      await pause(some(driver, 1, 8));
      network.limitRate(0);
    },
  },
  {
    name: 'packets lost',
    weight: 2,
    strike: async ({ driver, network }) => {
      network.lose(5 + driver.random.below(30));
      await pause(some(driver, 1, 8));
      network.lose(0);
    },
  },
  {
    name: 'flapping',
    weight: 1,
    strike: async ({ driver, network }) => {
      for (let n = 0; n < 6; n += 1) {
        network.cut();
        await pause(some(driver, 0.1, 0.5));
        network.restore();
        await pause(some(driver, 0.1, 0.5));
      }
    },
  },
  {
    name: 'first proxy killed',
    weight: 2,
    strike: async ({ driver, squid }) => {
      await squid.kill();
      await pause(some(driver, 0.1, 4));
      await squid.start();
    },
  },
  {
    name: 'first proxy still',
    weight: 1,
    strike: async ({ driver, squid }) => {
      squid.stall();
      await pause(some(driver, 1, 8));
      squid.resume();
    },
  },
  {
    name: 'both proxies killed',
    weight: 1,
    strike: async ({ driver, squid, tinyproxy }) => {
      await Promise.all([squid.kill(), tinyproxy.kill()]);
      await pause(some(driver, 0.5, 4));
      await Promise.all([squid.start(), tinyproxy.start()]);
    },
  },
  {
    name: 'line stalled',
    weight: 2,
    strike: ({ relay }) => {
      relay.stall();
      return Promise.resolve();
    },
  },
  {
    name: 'line broken',
    weight: 2,
    strike: ({ relay }) => {
      relay.break();
      return Promise.resolve();
    },
  },
  {
    name: 'late bytes',
    weight: 1,
    strike: async ({ driver, relay }) => {
      relay.delayMs = 50 + driver.random.below(800);
      await pause(some(driver, 1, 6));
      relay.delayMs = 0;
    },
  },
  {
    name: 'platform still',
    weight: 1,
    strike: async ({ driver }) => {
      process.kill(driver.site.platformPid, 'SIGSTOP');
      await pause(some(driver, 1, 8));
      process.kill(driver.site.platformPid, 'SIGCONT');
    },
  },
  {
    name: 'kill',
    weight: 3,
    strike: ({ driver }) => driver.kill(driver.random.pick(VICTIMS)),
  },
];

/** Numbered records of one run, at most. */
const MOST_NUMBERS = 4_000;
const DRAWN = FAULTS.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));

/**
 * A laptop behind two proxies (squid through a relay, then tinyproxy) with direct as the way out, on a network of its
 * own, for so many minutes of faults by chance while its host changes. Needs root, squid, tinyproxy, iproute2, nftables.
 */
export async function chaos(minutes: number): Promise<Disturbance> {
  const network = new LaptopNetwork();
  const squid = await ProxyServer.squid({ host: network.address });
  const tinyproxy = await ProxyServer.tinyproxy({ host: network.address });
  const relay = new StallingRelay({ host: network.address, port: Number(new URL(squid.url).port) });
  await relay.listen(network.address);
  const site = new Site();
  site.agentPrefix = network.prefix;
  const { host, port } = relay.address;
  useProxies(site, [`http://${host}:${String(port)}`, tinyproxy.url]);
  return {
    site,
    platformArgs: [network.address],
    numberEveryMs: Math.max(150, (minutes * 60_000) / MOST_NUMBERS),
    disturb: (driver) => strikeFor(minutes, { driver, network, squid, tinyproxy, relay }),
    close: async () => {
      await Promise.all([relay.close(), squid.close(), tinyproxy.close()]);
      network.close();
    },
  };
}

function useProxies(site: Site, proxies: readonly string[]): void {
  const file = join(site.root, 'etc/default/wayfarer-agent');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `wayfarer_https_proxy="${proxies.join(';')}"\n`);
}

async function strikeFor(minutes: number, world: World): Promise<void> {
  const { driver } = world;
  const { random, site } = driver;
  await quickTimeouts(site);
  const end = performance.now() + minutes * 60_000;
  while (performance.now() < end) {
    const { name, strike } = random.pick(DRAWN);
    const hostChange = random.chance(0.4) ? driver.changeHost() : Promise.resolve();
    if (random.chance(0.05)) driver.giveCommand();
    await site.cycle().catch(() => undefined); // It may be starting.
    await pause(some(driver, 0, 3));
    await driver.look();
    await strike(world);
    if (name !== 'kill') driver.count(name);
    await hostChange;
  }
}

/** A minute's patience with a silent line, as shipped, would leave time for few faults. */
async function quickTimeouts(site: Site): Promise<void> {
  const [profile] = await site.platform<{ profile: { id: string } }[]>('profiles', 'list');
  await site.platform('profiles', 'edit', profile?.profile.id ?? '', 'requestTimeoutSec=5');
}
