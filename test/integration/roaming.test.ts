import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConditionCode } from '../../src/shared/conditions.ts';
import type { AgentStatus } from '../../src/shared/status.ts';
import { FakeLogind } from '../support/fake-logind.ts';
import { LaptopNetwork } from '../support/laptop-network.ts';
import { LyingPortal } from '../support/lying-portal.ts';
import { noPrivateBus, PrivateBus } from '../support/private-bus.ts';
import { noPrivateNetwork } from '../support/private-network.ts';
import { because, noProgram } from '../support/reason.ts';
import { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

/*
 * A laptop on a network of its own: the agent as a real process in a namespace, the platform at the other end of a cable
 * that is pulled and plugged. Back-off and heartbeat have their real intervals of minutes, so that whatever comes within
 * seconds comes because the agent noticed.
 */

const reason =
  noPrivateNetwork ?? noProgram('nft', 'nftables') ?? noProgram('openssl', 'openssl') ?? noPrivateBus;

describe.skipIf(reason !== undefined)(`a laptop that roams${because(reason)}`, () => {
  let network: LaptopNetwork;
  let site: Site;
  let bus: PrivateBus;
  let logind: FakeLogind;
  let portal: LyingPortal | undefined;

  beforeAll(async () => {
    network = new LaptopNetwork();
    bus = new PrivateBus();
    await bus.start();
    logind = await FakeLogind.on(await bus.connect());
    site = new Site({
      WAYFARER_DEV_INTERVALS: 'deltaUploadIntervalSec=0,changeGapSec=3600,samplesApartSec=2',
      DBUS_SYSTEM_BUS_ADDRESS: bus.address,
    });
    site.agentPrefix = network.prefix;
    site.serve = ['test/support/quick-platform.ts', site.platformDir, network.address];
    await site.startPlatform();
    site.startAgent();
    await site.untilSynced();
  }, 90_000);
  afterAll(async () => {
    await site.close();
    await bus.close();
    network.close();
  });
  afterEach(async () => {
    await portal?.close();
    portal = undefined;
  });

  const shows = (code: ConditionCode, deadlineMs?: number): Promise<AgentStatus> =>
    site.until(
      `condition ${code}`,
      async () => {
        const status = await site.status();
        return status.conditions.some((condition) => condition.code === code) ? status : undefined;
      },
      deadlineMs,
    );
  const text = ({ conditions }: AgentStatus, code: ConditionCode): string =>
    conditions.find((condition) => condition.code === code)?.text ?? '';
  const checkInAfter = (since: number): Promise<number> =>
    until('a heartbeat', async () => {
      const at = Date.parse((await site.status()).lastCheckIn ?? '');
      return at >= since ? at : undefined;
    });
  /** Makes the agent try, so that it meets what is there now. */
  const attempt = (): Promise<void> => site.cycle();

  it('R007 R008 keeps what it collects without a network, and is in touch within seconds of getting one back', async () => {
    network.cut();
    await site.until('the agent notices', async () =>
      !(await site.status()).network.online ? true : undefined,
    );
    await attempt();
    await shows('NO_NETWORK', 60_000);
    const { pendingUpload, queue } = await site.status();
    expect(pendingUpload !== null || queue.records > 0).toBe(true);
    const soFar = site.log().length;
    const pluggedIn = Date.now();
    network.restore();
    await site.untilSynced();
    const back = site.log().slice(soFar);
    const answers = /(\S+ \S+) \+0000 \S+:Http request: (.*) via direct, Http status code: 200/g;
    const [first] = back.matchAll(answers);
    const [, at = '', request] = first ?? [];
    const tookMs = Date.parse(`${at.replace(' ', 'T')}Z`) - pluggedIn;
    console.log(`network back to an answered heartbeat: ${String(tookMs)} ms`);
    expect(tookMs).toBeGreaterThan(0);
    // The one that it missed comes before everything that waits, and needs no cycle that anybody asks for.
    expect(request).toMatch(/^POST \S+\/status$/);
    expect(back).toMatch(/the network changed: .*; routes are looked for anew/);
    expect((await site.status()).conditions.map(({ code }) => code)).not.toContain('PLATFORM_UNREACHABLE');
  }, 120_000);

  it('R007 goes on from another address under the same Host ID', async () => {
    const before = await site.status();
    network.readdress(77);
    await site.until('the agent notices', () =>
      Promise.resolve(
        /the network changed: .*routes are looked for anew/.test(site.log()) ? true : undefined,
      ),
    );
    await attempt();
    const after = await site.untilSynced();
    expect(after.identity.hostId).toBe(before.identity.hostId);
    expect(Object.values(after.types).map(({ seq }) => seq)).not.toEqual(
      Object.values(before.types).map(({ seq }) => seq),
    );
  });

  it('sends the heartbeat that it missed in its sleep as soon as it wakes', async () => {
    const soFar = site.log().length;
    await site.end('platform', 'SIGKILL');
    await attempt();
    await until(
      'a failed exchange',
      () => site.log().slice(soFar).includes('Http request failed') || undefined,
    );
    // Pauses grow beyond what is waited for below.
    await site.until('a pause of some length', async () => {
      const { nextCheckIn } = await site.status();
      const pauseMs = Date.parse(nextCheckIn ?? '') - Date.now();
      return pauseMs > 12_000 && pauseMs < 60_000 ? true : undefined;
    });
    logind.prepareForSleep(true);
    await site.startPlatform();
    const woke = Date.now();
    logind.prepareForSleep(false);
    expect((await checkInAfter(woke)) - woke).toBeLessThan(5_000);
    expect(site.log()).toContain('the host woke from sleep');
  }, 120_000);

  it('recognises a sign-in page by its certificate, says so, and loses nothing by it', async () => {
    const port = Number(new URL(site.platformUrl).port);
    await site.untilSynced();
    await site.end('platform', 'SIGKILL');
    portal = new LyingPortal();
    await portal.listen(network.address, port);
    const before = await site.status();
    await attempt();
    const status = await shows('CAPTIVE_PORTAL');
    expect(text(status, 'CAPTIVE_PORTAL')).toContain('sign in');
    expect(text(status, 'CAPTIVE_PORTAL')).toContain('portal.hotel.example');
    expect(status.identity.hostId).toBe(before.identity.hostId);
    expect(status.pendingUpload !== null || status.queue.records > 0).toBe(true);
    await portal.close();
    await site.startPlatform();
    network.readdress(78);
    await site.untilSynced();
    expect((await site.status()).conditions.map(({ code }) => code)).not.toContain('CAPTIVE_PORTAL');
  }, 120_000);

  it('recognises one that shows a trusted certificate by what it answers: 200 and HTML to everything', async () => {
    const port = Number(new URL(site.platformUrl).port);
    await site.end('platform', 'SIGKILL');
    const file = (name: string): Buffer => readFileSync(join(site.platformDir, name));
    portal = new LyingPortal({ cert: file('server.pem'), key: file('server.key') });
    await portal.listen(network.address, port);
    await attempt();
    expect(text(await shows('CAPTIVE_PORTAL'), 'CAPTIVE_PORTAL')).toContain('sign in');
    expect(portal.requests).toBeGreaterThan(0);
    await portal.close();
    await site.startPlatform();
    network.readdress(79);
    await site.untilSynced();
  }, 120_000);
});
