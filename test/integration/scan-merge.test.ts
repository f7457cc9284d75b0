import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgentIdProcess } from '../../src/main/agent/agentid-process.ts';
import type { Place } from '../../src/main/agent/on-premise.ts';
import { ScanMerge, type ScanMergeWish } from '../../src/main/agent/scan-merge.ts';
import { freePorts, holdPort } from '../../src/main/agentid/testing/ports.ts';
import { systemClock } from '../../src/main/clock.ts';
import { ExitCode } from '../../src/shared/exit-codes.ts';
import { Estate } from '../support/estate.ts';
import { PlatformFixture } from '../support/platform-fixture.ts';
import { CLONE, runNode } from '../support/run.ts';
import { until } from '../support/until.ts';

/*
 * The way of an identifier with real processes at both ends: the endpoint shows it, the agent's heartbeat names it, and
 * the platform's scanner reads it over the network and finds the agent by it.
 */

const home: Place = { addresses: [], gateways: ['192.168.1.1'], dnsSuffixes: [], hostName: 'laptop' };
const office: Place = { ...home, gateways: ['10.0.0.1'] };

describe('scan merge from end to end', () => {
  const fixture = new PlatformFixture();
  const correlationId = randomUUID();
  const scanMerge = new ScanMerge({
    start: startAgentIdProcess(join(CLONE, 'src/main/agentid.ts')),
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined },
    onState: () => undefined,
  });
  let agentId = '';
  let ports: number[] = [];

  beforeAll(async () => {
    await fixture.start();
    const client = await fixture.agent();
    agentId = client.agentId;
    await client.heartbeat({ correlationId });
    ports = await freePorts(3);
  });
  afterAll(async () => {
    await scanMerge.stop();
    await fixture.dispose();
  });

  const wish = (change: Partial<ScanMergeWish> = {}): void => {
    scanMerge.update({
      enabled: true,
      ports,
      bindAll: false,
      onPremise: { ipRange: '0.0.0.0/0', gateway: '10.0.0.1' },
      place: office,
      correlationId,
      ...change,
    });
  };
  const becomes = (state: string) =>
    expect.poll(() => scanMerge.state.state, { timeout: 20_000 }).toBe(state);
  const platform = (...args: string[]) =>
    runNode(['src/platform/cli.ts', '--data', fixture.dataDir, '--json', ...args]);
  const scan = () => platform('scan-merge', '127.0.0.1', '--ports', ports.join(','));

  it('R270 R272 R277 is read from the lowest port, once the customer accepts it', async () => {
    wish();
    await becomes('listening');
    expect((await scan()).code).toBe(ExitCode.refused);
    expect((await platform('correlation', 'accept')).code).toBe(ExitCode.ok);
    const { code, stdout, stderr } = await scan();
    expect(code, stderr).toBe(ExitCode.ok);
    expect(JSON.parse(stdout)).toMatchObject({ port: ports[0], agent: { id: agentId, correlationId } });
  });

  it('R275 can not be read on another network', async () => {
    wish({ place: home });
    await becomes('not on premise');
    const { code, stderr } = await scan();
    expect(code).toBe(ExitCode.failed);
    for (const port of ports) expect(stderr).toContain(`${String(port)}: ECONNREFUSED`);
  });

  it('R272 R273 is read from the next port when the lowest is taken, and from every port with Bind All', async () => {
    const held = await holdPort(ports[0]);
    wish();
    await becomes('listening');
    await held.release();
    expect(JSON.parse((await scan()).stdout)).toMatchObject({ port: ports[1] });
    wish({ bindAll: true });
    await expect.poll(() => scanMerge.state.ports, { timeout: 20_000 }).toEqual(ports);
    for (const port of ports) {
      const { stdout } = await platform('scan-merge', '127.0.0.1', '--ports', String(port));
      expect(JSON.parse(stdout)).toMatchObject({ port, agent: { id: agentId } });
    }
  });
});

describe('scan merge of a whole agent', () => {
  const estate = new Estate();
  beforeAll(() => estate.start());
  afterAll(() => estate.close());

  it('R270 R271 R277 is switched on by the profile, read by the platform, and switched off again', async () => {
    const { agent, hostId } = await estate.syncedAgent();
    const { admin } = estate.platform;
    const ports = await freePorts(2);
    const profile = admin.profiles()[0]?.profile.id ?? '';
    const shown = async () => (await agent.status()).scanMerge;
    expect(await shown()).toMatchObject({ state: 'off', ports: [] });

    admin.editProfile(profile, { settings: { scanMergeEnabled: true, scanMergePorts: ports } });
    const listening = await until('listening', async () => {
      const now = await shown();
      return now.state === 'listening' ? now : undefined;
    });
    expect(listening.ports).toEqual(ports.slice(0, 1));
    admin.setCorrelation(true);
    const scan = () =>
      runNode([
        'src/platform/cli.ts',
        '--data',
        estate.dataDir,
        '--json',
        'scan-merge',
        '127.0.0.1',
        '--ports',
        ports.join(','),
      ]);
    const { code, stdout, stderr } = await scan();
    expect(code, stderr).toBe(ExitCode.ok);
    const { agent: found } = JSON.parse(stdout) as { agent: { id: string; correlationId: string } };
    expect(found.id).toBe(hostId);
    expect(found.correlationId).not.toBe(hostId);

    admin.editProfile(profile, { settings: { scanMergeEnabled: false } });
    await until('off', async () => ((await shown()).state === 'off' ? true : undefined));
    expect((await scan()).code).toBe(ExitCode.failed);
    await until('forgotten', () => (admin.show(hostId).correlationId === null ? true : undefined));
  });
});
