import { createServer, type AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULT_SCAN_MERGE_PORTS } from '../shared/profile.ts';
import { ExitCode } from '../shared/exit-codes.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';
import { NotFound, Refused } from './errors.ts';
import { profileSettings } from './cli/profile-settings.ts';
import { runTool } from './testing/run-tool.ts';

let fixture: PlatformFixture;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start();
});
afterEach(() => fixture.dispose());

const admin = () => fixture.platform.admin;

/** A host that shows an identifier on a port, and how often it was asked. */
async function host(correlationId: string): Promise<{ port: number; visits: () => number }> {
  const body = JSON.stringify({ correlationId });
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, visits: () => visits };
}

/** The command line tool beside the running platform. */
const run = (...args: string[]) => runTool(fixture.dataDir, ...args);

describe('the correlation identifier of an agent', () => {
  it('R270 is on record as long as its heartbeats name it', async () => {
    const client = await fixture.agent();
    const correlationId = randomUUID();
    await client.heartbeat({ correlationId });
    expect(admin().show(client.agentId)).toMatchObject({ correlationId });
    await client.heartbeat();
    expect(admin().show(client.agentId).correlationId).toBeNull();
  });

  it('is refused where it is no UUID', async () => {
    const client = await fixture.agent();
    expect((await client.heartbeat({ correlationId: 'laptop-1' })).status).toBe(400);
  });
});

describe('the option of a customer', () => {
  it('R277 declines until somebody accepts, and can be taken back', async () => {
    const client = await fixture.agent();
    const correlationId = randomUUID();
    await client.heartbeat({ correlationId });
    const look = () => admin().correlate(correlationId);
    expect(admin().customers()[0]?.correlation).toBe(false);
    expect(look).toThrow(Refused);
    admin().setCorrelation(true);
    expect(look()).toMatchObject({ id: client.agentId, correlationId, hostname: 'laptop-1' });
    admin().setCorrelation(false);
    expect(look).toThrow(/correlation accept/);
  });

  it('R277 is each customer’s own, and so are its agents', async () => {
    const client = await fixture.agent();
    const correlationId = randomUUID();
    await client.heartbeat({ correlationId });
    fixture.advance(1); // which customer is the first goes by age
    const other = admin().createCustomer('Other');
    admin().setCorrelation(true, other.id);
    expect(() => admin().correlate(correlationId)).toThrow(Refused);
    expect(() => admin().correlate(correlationId, other.id)).toThrow(NotFound);
    expect(() => admin().setCorrelation(true, randomUUID())).toThrow(NotFound);
  });

  it('finds nothing for an identifier that nobody reports, and refuses what is none', () => {
    admin().setCorrelation(true);
    expect(() => admin().correlate(randomUUID())).toThrow(NotFound);
    expect(() => admin().correlate('laptop-1')).toThrow('UUID');
  });

  it('names no agent while two report one identifier', async () => {
    const correlationId = randomUUID();
    for (const client of [await fixture.agent(), await fixture.agent()]) {
      await client.heartbeat({ correlationId });
    }
    admin().setCorrelation(true);
    expect(() => admin().correlate(correlationId)).toThrow(/report the same/);
  });

  it('R277 stands in the administration API', async () => {
    const client = await fixture.agent();
    const correlationId = randomUUID();
    await client.heartbeat({ correlationId });
    const { adminUrl, adminToken, caPem } = fixture.platform;
    const { Agent, request } = await import('undici');
    const dispatcher = new Agent({ connect: { ca: caPem } });
    onTestFinished(() => dispatcher.close());
    const ask = async (path: string, method: 'GET' | 'PATCH' = 'GET', input?: object) => {
      const reply = await request(`${adminUrl.replace(/\/$/, '')}/customers/${fixture.customerId}${path}`, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        ...(input !== undefined && { body: JSON.stringify(input) }),
      });
      return [reply.statusCode, (await reply.body.json()) as object];
    };
    const look = `/correlations/${correlationId}`;
    expect(await ask(look)).toMatchObject([400, { error: { code: 'REFUSED' } }]);
    expect(await ask('', 'PATCH', { correlation: true })).toMatchObject([200, { correlation: true }]);
    expect(await ask(look)).toMatchObject([200, { id: client.agentId }]);
    expect(await ask(`/correlations/${randomUUID()}`)).toMatchObject([404, {}]);
  });
});

describe('wayfarer-platform scan-merge', () => {
  it('R277 asks a host only when identifiers are accepted, and names its agent', async () => {
    const client = await fixture.agent();
    const correlationId = randomUUID();
    await client.heartbeat({ correlationId });
    const { port, visits } = await host(correlationId);
    const scan = ['scan-merge', '127.0.0.1', '--ports', String(port)];

    const declined = await run(...scan);
    expect([declined.code, declined.stdout, visits()]).toEqual([ExitCode.refused, '', 0]);
    expect(declined.stderr).toContain('declines correlation identifiers');

    expect((await run('correlation', 'accept')).stdout).toMatch(/ accept$/m);
    const accepted = await run('--json', ...scan);
    expect(accepted.code, accepted.stderr).toBe(ExitCode.ok);
    expect(JSON.parse(accepted.stdout)).toMatchObject({ port, agent: { id: client.agentId } });
    expect(visits()).toBe(1);
    expect((await run('correlate', correlationId)).stdout).toContain(client.agentId);

    expect((await run('correlation', 'decline')).code).toBe(ExitCode.ok);
    expect((await run('correlation')).stdout).toMatch(/ decline$/m);
    expect((await run('correlate', correlationId)).code).toBe(ExitCode.refused);
    expect((await run(...scan)).code).toBe(ExitCode.refused);
    expect(visits()).toBe(1);
  });

  it('says of a host that shows nothing what its ports answered', async () => {
    admin().setCorrelation(true);
    const stranger = await host('not an identifier');
    const { code, stderr } = await run('scan-merge', '127.0.0.1', '--ports', String(stranger.port));
    expect(code).toBe(ExitCode.failed);
    expect(stderr).toContain(`${String(stranger.port)}: something else answers`);
    const unknown = await host(randomUUID());
    const found = await run('scan-merge', '127.0.0.1', '--ports', String(unknown.port));
    expect([found.code, found.stderr]).toEqual([
      ExitCode.failed,
      expect.stringContaining('no agent reports'),
    ]);
  });

  it.each([
    ['scan-merge', '127.0.0.1', '--ports', '0'],
    ['scan-merge', '127.0.0.1', '--ports', '80,x'],
    ['scan-merge', '127.0.0.1', '--ports', ''],
    ['correlation', 'perhaps'],
  ])('takes %s %s %s %s for wrong usage', async (...args) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(ExitCode.usage);
    expect(stderr).not.toBe('');
  });
});

describe('the profile editor', () => {
  const create = (settings: Record<string, unknown>) =>
    admin().createProfile({ settings: profileSettings(settings) }).profile;

  it('R270 R271 R273 takes switch, ports and Bind All; the ports come out ascending and each once', () => {
    const profile = create({
      scanMergeEnabled: true,
      scanMergeBindAll: true,
      scanMergePorts: '9002,80, 9001,80',
    });
    expect(profile).toMatchObject({
      scanMergeEnabled: true,
      scanMergeBindAll: true,
      scanMergePorts: [80, 9001, 9002],
    });
    expect(create({ scanMergePorts: 8080 }).scanMergePorts).toEqual([8080]);
    expect(create({}).scanMergePorts).toEqual([...DEFAULT_SCAN_MERGE_PORTS]);
  });

  it.each([
    '0',
    '65536',
    '80.5',
    '-1',
    'http',
    '',
    '80,',
    Array.from({ length: 33 }, (_, n) => n + 1).join(','),
  ])('refuses the ports %j', (scanMergePorts) => {
    expect(() => create({ scanMergePorts })).toThrow(/scanMergePorts/);
  });

  it('R274 takes the rules of on-premise detection one by one, and an empty one back', () => {
    const { id } = create({
      'onPremise.ipRange': '10.0.0.0/8',
      'onPremise.gateway': '10.0.0.1',
      'onPremise.subnetMask': '255.255.0.0',
      'onPremise.dnsSuffix': '^(.*)\\.example.com$',
    });
    const edit = (settings: Record<string, unknown>) =>
      admin().editProfile(id, { settings: profileSettings(settings) }).profile.onPremise;
    expect(edit({ 'onPremise.gateway': '' })).toEqual({
      ipRange: '10.0.0.0/8',
      subnetMask: '255.255.0.0',
      dnsSuffix: '^(.*)\\.example.com$',
    });
    expect(edit({ 'onPremise.subnetMask': '0.0.0.0', 'onPremise.dnsSuffix': '2026' })).toEqual({
      ipRange: '10.0.0.0/8',
      dnsSuffix: '2026',
    });
    expect(edit({ 'onPremise.ipRange': '', 'onPremise.dnsSuffix': '' })).toEqual({ ipRange: '0.0.0.0/0' });
  });

  it.each([
    ['ipRange', '10.0.0.0'],
    ['ipRange', '10.0.0.0/40'],
    ['gateway', 'router'],
    ['subnetMask', '255.0.255.0'],
    ['dnsSuffix', '(?=x)'],
    ['dnsSuffix', '(unfinished'],
    ['dnsSuffix', 'x'.repeat(257)],
    ['dns', 'example.com'],
  ])('R274 refuses %s %s and keeps the profile as it was', (field, value) => {
    const { id, onPremise } = create({ 'onPremise.gateway': '10.0.0.1' });
    const settings = profileSettings({ [`onPremise.${field}`]: value });
    expect(() => admin().editProfile(id, { settings })).toThrow(/onPremise/);
    expect(
      admin()
        .profiles()
        .find(({ profile }) => profile.id === id)?.profile.onPremise,
    ).toEqual(onPremise);
  });
});
