import { describe, expect, it } from 'vitest';
import { Monitor } from './monitor.ts';
import { FakeHost } from './testing/fake-parts.ts';
import { onNetwork } from './testing/states.ts';

/** A monitor whose sources all tell, with the state known. */
async function running(): Promise<{ host: FakeHost; monitor: Monitor }> {
  const host = new FakeHost();
  const monitor = new Monitor(host.parts);
  await monitor.state();
  monitor.start(host.listener);
  await host.time.pass(0);
  host.netlink.events?.up();
  host.resolver.events?.up();
  host.bus.events?.up();
  await host.time.pass(2_000);
  host.looks = 0;
  return { host, monitor };
}

describe('the monitor of networks and sleep', () => {
  it('reports many signs within a second as one change', async () => {
    const { host } = await running();
    host.network = onNetwork('198.51.100.7');
    for (let i = 0; i < 20; i += 1) {
      host.netlink.events?.hint();
      await host.time.pass(40);
    }
    expect(host.told).toEqual([]);
    await host.time.pass(200);
    expect(host.told).toEqual([['changed', '198.51.100.7', 'unknown']]);
    expect(host.looks).toBe(1);
  });

  it('reports nothing for signs after which everything is as it was', async () => {
    const { host } = await running();
    host.netlink.events?.hint();
    host.resolver.events?.hint();
    await host.time.pass(2_000);
    expect(host.looks).toBe(1);
    expect(host.told).toEqual([]);
  });

  it('looks once a second while signs never end', async () => {
    const { host } = await running();
    for (let i = 0; i < 100; i += 1) {
      host.netlink.events?.hint();
      await host.time.pass(100);
    }
    expect(host.looks).toBeGreaterThanOrEqual(9);
    expect(host.looks).toBeLessThanOrEqual(10);
  });

  it('reports what changed between the first look and the start', async () => {
    const host = new FakeHost();
    const monitor = new Monitor(host.parts);
    await monitor.state();
    host.network = onNetwork('198.51.100.7');
    monitor.start(host.listener);
    expect(host.told).toEqual([]);
    await host.time.pass(1_000);
    expect(host.told).toEqual([['changed', '198.51.100.7', 'unknown']]);
  });

  it('still reports a change that somebody has asked about before', async () => {
    const { host, monitor } = await running();
    host.network = onNetwork('198.51.100.7');
    host.netlink.events?.hint();
    expect((await monitor.state()).addresses[0]?.address).toBe('198.51.100.7');
    await host.time.pass(1_000);
    expect(host.told).toHaveLength(1);
  });

  it('finds within five minutes what every source missed, and is quiet until then', async () => {
    const { host } = await running();
    host.network = onNetwork('198.51.100.7');
    await host.time.pass(280_000);
    expect(host.looks).toBe(0);
    await host.time.pass(21_000);
    expect(host.told).toEqual([['changed', '198.51.100.7', 'unknown']]);
  });

  it('looks every 15 s while a source is down, says so once, and looks when it is back', async () => {
    const { host } = await running();
    host.netlink.events?.down('ended');
    host.netlink.events?.down('ended again');
    expect(host.told).toEqual([
      ['degraded', 'netlink: ended; changes of the network are looked for every 15 s'],
    ]);
    host.network = onNetwork('198.51.100.7');
    await host.time.pass(16_000);
    expect(host.told[1]).toEqual(['changed', '198.51.100.7', 'unknown']);
    await host.time.pass(60_000);
    expect(host.looks).toBe(5);
    host.netlink.events?.up();
    await host.time.pass(1_000);
    expect(host.looks).toBe(6);
    await host.time.pass(60_000);
    expect(host.looks).toBe(6);
  });

  it('looks every 15 s on a system without sources, as a matter of course', async () => {
    const host = new FakeHost();
    const monitor = new Monitor({ ...host.parts, sources: [], bus: undefined });
    await monitor.state();
    monitor.start(host.listener);
    await host.time.pass(2_000);
    host.network = onNetwork('198.51.100.7');
    await host.time.pass(15_000);
    expect(host.told).toEqual([['changed', '198.51.100.7', 'unknown']]);
  });

  it('knows metering with the first look, and reports when it changes', async () => {
    const host = new FakeHost();
    const monitor = new Monitor(host.parts);
    const first = monitor.state();
    host.bus.events?.metered(true);
    expect((await first).metered).toBe(true);
    monitor.start(host.listener);
    await host.time.pass(2_000);
    expect(host.told).toEqual([]);
    host.bus.events?.metered(false);
    await host.time.pass(1_000);
    expect(host.told).toEqual([['changed', '192.0.2.7', false]]);
    expect(host.bus.starts).toBe(1);
  });

  it('does not wait longer than two seconds for a bus that does not answer', async () => {
    const host = new FakeHost();
    host.bus.answers = false;
    let state: unknown;
    void new Monitor(host.parts).state().then((found) => (state = found));
    await host.time.pass(1_999);
    expect(state).toBeUndefined();
    await host.time.pass(1);
    expect(state).toMatchObject({ metered: 'unknown' });
  });

  it('reports to its listener what the bus said before there was one', async () => {
    const host = new FakeHost();
    const monitor = new Monitor(host.parts);
    const first = monitor.state();
    host.bus.events?.down('no socket');
    await first;
    monitor.start(host.listener);
    await host.time.pass(0);
    expect(host.told).toEqual([
      [
        'degraded',
        'the system bus: no socket; sleep is noticed by the clock, and whether a network is metered is not known',
      ],
    ]);
  });

  it('passes sleep and waking on and looks at the networks after waking', async () => {
    const { host } = await running();
    host.bus.events?.suspending();
    host.time.sleep(3_600_000);
    host.network = onNetwork('203.0.113.7');
    host.bus.events?.woke();
    expect(host.told).toEqual(['suspending', 'resumed']);
    await host.time.pass(1_000);
    expect(host.told[2]).toEqual(['changed', '203.0.113.7', 'unknown']);
    await host.time.pass(30_000);
    expect(host.told).toHaveLength(3);
  });

  it('notices sleep by the clocks within 15 s where no bus tells', async () => {
    const { host } = await running();
    host.time.sleep(3_600_000);
    await host.time.pass(15_000);
    expect(host.told).toEqual(['resumed']);
  });

  it('says that the network is stable again by itself', async () => {
    const { host } = await running();
    for (let i = 0; i < 12; i += 1) {
      host.network = onNetwork(`198.51.100.${String(i)}`);
      host.netlink.events?.hint();
      await host.time.pass(1_000);
    }
    expect(host.told).toContainEqual(['unstable', 6]);
    await host.time.pass(75_000);
    expect(host.told.at(-1)).toBe('stable');
    expect(host.told.at(-2)).toEqual(['changed', '198.51.100.11', 'unknown']);
  });

  it('ends with its sources and reports nothing afterwards', async () => {
    const { host, monitor } = await running();
    host.network = onNetwork('198.51.100.7');
    host.netlink.events?.hint();
    await monitor.stop();
    expect([host.netlink.stopped, host.resolver.stopped, host.bus.stopped]).toEqual([true, true, true]);
    host.netlink.events?.hint();
    host.bus.events?.woke();
    host.bus.events?.metered(true);
    host.netlink.events?.down('ended');
    await host.time.pass(400_000);
    expect(host.told).toEqual([]);
    expect(host.time.clock.nextAt).toBeUndefined();
  });

  it('waits at its end for a look that is under way, and takes nothing from it', async () => {
    const { host, monitor } = await running();
    for (let i = 0; i < 8; i += 1) {
      host.network = onNetwork(`198.51.100.${String(i)}`);
      host.netlink.events?.hint();
      await host.time.pass(1_000);
    }
    host.told.length = 0;
    let answer: () => void = () => undefined;
    host.delay = new Promise((resolve) => (answer = resolve));
    host.network = onNetwork('203.0.113.7');
    host.netlink.events?.hint();
    await host.time.pass(1_000);
    let ended = false;
    const end = monitor.stop().then(() => (ended = true));
    await host.time.pass(0);
    expect(ended).toBe(false);
    answer();
    await end;
    expect(host.time.clock.nextAt).toBeUndefined();
    expect(host.told).toEqual([]);
  });

  it('starts nothing when it ends before it began', async () => {
    const host = new FakeHost();
    const monitor = new Monitor(host.parts);
    monitor.start(host.listener);
    await monitor.stop();
    await host.time.pass(60_000);
    expect(host.netlink.events).toBeUndefined();
    await monitor.state();
    expect(host.bus.starts).toBe(0);
  });
});
