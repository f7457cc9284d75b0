import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ManifestDocument,
  ProfileDocument,
  audienceOfAgent,
  audienceOfCustomer,
} from '../shared/documents.ts';
import { StatusReply } from '../shared/wire.ts';
import { openDocument } from '../wire/signed-document.ts';
import type { PlatformClient, Reply } from '../../test/support/platform-client.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';
import { MANIFESTS } from './manifests/manifests.ts';

let fixture: PlatformFixture;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start();
});
afterEach(() => fixture.dispose());

const admin = () => fixture.platform.admin;
const statusOf = (reply: Reply) => StatusReply.parse(reply.body);

async function acknowledge(client: PlatformClient, activity: string, at: number): Promise<void> {
  const record = { id: randomUUID(), at: new Date(at).toISOString(), kind: 'activity', activity };
  await client.call('POST', client.agentPath('/acks'), {
    json: { records: [record] },
    headers: { 'idempotency-key': randomUUID() },
  });
}

async function profileOf(client: PlatformClient): Promise<ProfileDocument> {
  const reply = await client.call('GET', client.agentPath('/config'));
  const { document } = reply.body as { document: string };
  return openDocument(document, fixture.platform.platformKey, ProfileDocument, {
    kind: 'profile',
    customer: fixture.customerId,
    audience: audienceOfAgent(client.agentId),
    minVersion: 1,
  });
}

describe('heartbeat', () => {
  it('R117 shows no check-in before the first heartbeat, and the time of the last after it', async () => {
    const client = await fixture.agent();
    expect(admin().agents()[0]?.lastCheckedIn).toBeNull();
    fixture.advance(60);
    await client.heartbeat({ state: 'scanning' });
    expect(admin().agents()[0]).toMatchObject({ lastCheckedIn: fixture.time, state: 'scanning' });
  });

  it('R109 R110 names the versions of the profile and of the manifests of active types', async () => {
    const client = await fixture.agent(['AI', 'VM']);
    const reply = await client.heartbeat();
    expect(statusOf(reply)).toMatchObject({
      configVersion: 1,
      manifestVersions: { Inventory: 1, Vulnerability: 1 },
    });
    expect(Object.keys(statusOf(reply).manifestVersions)).toEqual(['Inventory', 'Vulnerability']);
    expect(reply.bytes.length).toBeLessThan(1024);
  });

  async function carriesUntilAcknowledged(type: string, args: Record<string, unknown>): Promise<void> {
    const client = await fixture.agent();
    const queued = admin().command(client.agentId, type, args);
    const expected = [{ id: queued?.id, type, args }];
    expect(statusOf(await client.heartbeat()).commands).toEqual(expected);
    expect(statusOf(await client.heartbeat()).commands).toEqual(expected);
    const at = new Date(fixture.time).toISOString();
    const record = { id: randomUUID(), at, kind: 'command', commandId: queued?.id, type, result: 'DONE' };
    await client.call('POST', client.agentPath('/acks'), {
      json: { records: [record] },
      headers: { 'idempotency-key': randomUUID() },
    });
    expect(statusOf(await client.heartbeat()).commands).toEqual([]);
    expect(admin().show(client.agentId).commands[0]).toMatchObject({ result: 'DONE' });
  }

  it.each([
    ['REPROVISION', {}],
    ['RESYNC', { types: ['Inventory'] }],
    ['SYNC_CHECK', {}],
    ['ACTIVATE', { module: 'FIM' }],
    ['DEACTIVATE', { module: 'VM' }],
  ])('R112 R113 R114 carries %s in the same words until it is acknowledged', carriesUntilAcknowledged);

  it('R111 carries UPGRADE with its version until it is acknowledged', () =>
    carriesUntilAcknowledged('UPGRADE', { version: '0.2.0' }));

  it('R115 carries UNINSTALL in the same words until it is acknowledged', () =>
    carriesUntilAcknowledged('UNINSTALL', {}));

  it('R044 brings CM and TP to an agent with VM, and takes them with it', async () => {
    const client = await fixture.agent(['AI', 'VM']);
    const shown = () => admin().show(client.agentId).services;
    expect(shown()).toEqual(['CM', 'TP']);
    admin().changeModules(client.agentId, ['AI', 'PC']);
    expect(shown()).toEqual([]);
  });

  it('leaves a command waiting that another agent acknowledges', async () => {
    const [client, other] = [await fixture.agent(), await fixture.agent()];
    const queued = admin().command(client.agentId, 'RESYNC');
    const at = new Date(fixture.time).toISOString();
    const result = { kind: 'command', commandId: queued?.id, type: 'RESYNC', result: 'DONE' };
    const reply = await other.call('POST', other.agentPath('/acks'), {
      json: { records: [{ id: randomUUID(), at, ...result }] },
      headers: { 'idempotency-key': randomUUID() },
    });
    expect(reply.status).toBe(200);
    expect(statusOf(await client.heartbeat()).commands).toMatchObject([{ id: queued?.id }]);
  });

  it('R095 tells the one from other hardware to re-provision, and changes nothing of the record', async () => {
    const client = await fixture.agent();
    await client.heartbeat();
    const before = admin().show(client.agentId);
    fixture.advance(30);
    const reply = statusOf(await client.heartbeat({ fingerprint: 'bbbbbbbb', counter: 99 }));
    expect(reply.commands.map((command) => command.type)).toEqual(['REPROVISION']);
    expect(admin().show(client.agentId)).toEqual(before);
    expect(statusOf(await client.heartbeat()).commands).toEqual([]);
  });

  it('R095 R097 tells the later of two that share key, hardware and counter to re-provision', async () => {
    const client = await fixture.agent();
    const [one, two] = await Promise.all([
      client.heartbeat({ counter: 5 }),
      client.heartbeat({ counter: 5 }),
    ]);
    const told = [one, two].map((reply) => statusOf(reply).commands.length);
    expect(told.sort()).toEqual([0, 1]);
    expect(statusOf(await client.heartbeat({ counter: 4 })).commands).toMatchObject([
      { type: 'REPROVISION' },
    ]);
    expect(statusOf(await client.heartbeat({ counter: 6 })).commands).toEqual([]);
  });

  it.each(['Configuration Downloaded', 'Manifest Downloaded', 'Agent Downloaded'])(
    'R119 R120 R121 records the activity "%s"',
    async (activity) => {
      const client = await fixture.agent();
      await acknowledge(client, activity, fixture.time);
      expect(admin().activities(client.agentId)).toContainEqual({ activity, detail: null, at: fixture.time });
    },
  );

  it.each(['Provisioned', 'Inventory Scan Complete', 'Scan Complete'])(
    'does not put "%s" on record a second time when the agent tells of it',
    async (activity) => {
      const client = await fixture.agent();
      const before = admin().activities(client.agentId);
      await acknowledge(client, activity, fixture.time);
      expect(admin().activities(client.agentId)).toEqual(before);
    },
  );

  it('R124 shows the newest activity with its time, apart from the last check-in', async () => {
    const client = await fixture.agent();
    await client.heartbeat();
    const checkedIn = fixture.time;
    fixture.advance(60);
    await acknowledge(client, 'Manifest Downloaded', fixture.time - 1000);
    expect(admin().agents()[0]).toMatchObject({
      lastActivity: { activity: 'Manifest Downloaded', at: fixture.time - 1000 },
      lastCheckedIn: checkedIn,
    });
  });

  it('does not let a host whose clock runs ahead pin its last activity to the future', async () => {
    const client = await fixture.agent();
    await acknowledge(client, 'Manifest Downloaded', fixture.time + 86_400_000);
    expect(admin().agents()[0]?.lastActivity?.at).toBe(fixture.time);
  });
});

describe('profiles', () => {
  it('R127 R130 a profile is more than thirty named settings, with a name that it needs and a description', () => {
    const made = admin().createProfile({ settings: { name: 'Laptops', description: 'Those that roam' } });
    expect(made.profile).toMatchObject({ name: 'Laptops', description: 'Those that roam' });
    expect(Object.keys(made.profile).length).toBeGreaterThan(30);
    for (const name of ['', '   ', 'x'.repeat(201)]) {
      expect(() => admin().createProfile({ settings: { name } })).toThrow(/name/);
    }
    expect(() => admin().editProfile(made.profile.id, { settings: { typo: 1 } as never })).toThrow(/typo/);
  });

  it('R153 R154 refuses blackout windows in which no agent would ever check in', () => {
    const days = [1, 2, 3, 4, 5, 6, 7];
    const always = [{ days, start: '00:00', end: '00:00' }];
    expect(() => admin().createProfile({ settings: { name: 'Dark', blackoutWindows: always } })).toThrow(
      /whole week/,
    );
    const night = [{ days, start: '22:00', end: '06:00' }];
    const made = admin().createProfile({ settings: { name: 'Night', blackoutWindows: night } });
    expect(made.profile.blackoutWindows).toEqual(night);
  });

  it('R128 R131 gives the default to a host that no other profile matches', async () => {
    const client = await fixture.agent();
    expect(await profileOf(client)).toMatchObject({
      version: 1,
      content: { name: 'Default profile', vmIntervalMin: 240 },
    });
    const made = admin().createProfile({ settings: { name: 'New default' }, isDefault: true });
    expect(
      admin()
        .profiles()
        .filter((entry) => entry.isDefault)
        .map((entry) => entry.profile.id),
    ).toEqual([made.profile.id]);
    expect(await profileOf(client)).toMatchObject({ version: 2, content: { name: 'New default' } });
  });

  it('R132 R133 takes the topmost whose included tags match any and excluded tags match none', async () => {
    const client = await fixture.agent(['AI'], ['Office', 'Berlin']);
    admin().createProfile({
      settings: { name: 'Excluded' },
      assign: { includeTags: ['Office'], excludeTags: ['Berlin'] },
    });
    admin().createProfile({ settings: { name: 'Upper' }, assign: { includeTags: ['None', 'Berlin'] } });
    const lower = admin().createProfile({ settings: { name: 'Lower' }, assign: { includeTags: ['Office'] } });
    expect((await profileOf(client)).content.name).toBe('Upper');
    admin().editProfile(lower.profile.id, { position: 0 });
    expect((await profileOf(client)).content.name).toBe('Lower');
  });

  it('R134 prefers the profile that names the host, wherever it stands', async () => {
    const client = await fixture.agent(['AI'], ['Office']);
    admin().createProfile({ settings: { name: 'By tag' }, assign: { includeTags: ['Office'] }, position: 0 });
    admin().createProfile({ settings: { name: 'By name' }, assign: { hostNames: ['LAPTOP-1'] } });
    expect((await profileOf(client)).content.name).toBe('By name');
  });

  it('changes the version only when the content that holds for the agent changes', async () => {
    const client = await fixture.agent();
    const other = admin().createProfile({
      settings: { name: 'Elsewhere' },
      assign: { includeTags: ['None'] },
    });
    expect(statusOf(await client.heartbeat()).configVersion).toBe(1);
    admin().editProfile(other.profile.id, { assign: { includeTags: ['Cloud Agent'] } });
    expect(statusOf(await client.heartbeat()).configVersion).toBe(2);
    admin().editProfile(other.profile.id, { assign: { includeTags: [] } });
    expect(statusOf(await client.heartbeat()).configVersion).toBe(3);
  });

  it.each([
    [{ statusIntervalSec: 899 }, 'statusIntervalSec: 899 is not a whole number from 900 to 2700'],
    [{ chunkSizeKb: 10_241 }, 'chunkSizeKb: 10241 is not a whole number from 64 to 10240'],
    [{ cpuLimitPct: 2.5 }, 'cpuLimitPct: 2.5 is not a whole number from 2 to 100'],
  ])('refuses %j naming parameter and range', (settings, message) => {
    expect(() => admin().createProfile({ settings })).toThrow(message);
    expect(admin().profiles()).toHaveLength(1);
  });

  it('R141 takes the values of a preset, and what is set beside it', () => {
    const { profile } = admin().createProfile({ settings: { preset: 'LOW', cpuLimitPct: 9 } });
    expect(profile).toMatchObject({ statusIntervalSec: 2700, networkThrottleTxKbps: 256, cpuLimitPct: 9 });
  });
});

describe('manifests', () => {
  const manifestOf = async (client: PlatformClient, type: string) => {
    const reply = await client.call('GET', client.agentPath(`/manifests/${type}`));
    if (reply.status !== 200) return reply.code;
    const document = await openDocument(
      (reply.body as { document: string }).document,
      fixture.platform.platformKey,
      ManifestDocument,
      {
        kind: 'manifest',
        customer: fixture.customerId,
        audience: audienceOfCustomer(fixture.customerId),
        minVersion: 1,
      },
    );
    expect(reply.headers['etag']).toBe(`"${document.version}"`);
    return document;
  };

  it('R210 has one with tasks for every type', async () => {
    const client = await fixture.agent(['AI', 'VM', 'PC', 'FIM', 'EDR', 'PM']);
    for (const type of [
      'Inventory',
      'Vulnerability',
      'PolicyCompliance',
      'UDC',
      'AutoDiscovery',
      'MiddlewarePC',
      'FIM',
      'EDR',
      'PatchAssessment',
    ]) {
      expect(await manifestOf(client, type)).toMatchObject({ version: 1, content: { type } });
    }
    expect(await manifestOf(client, 'Nonsense')).toBe('NO_MANIFEST');
    expect(await manifestOf(client, 'SCA')).toBe('MODULE_NOT_ACTIVE');
  });

  it('R215 re-issues a manifest with a higher version when its content changes, and only then', async () => {
    const client = await fixture.agent();
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    expect(statusOf(await client.heartbeat()).manifestVersions).toEqual({ Inventory: 1, Vulnerability: 1 });
    await fixture.stop();
    const changed = MANIFESTS.map((one) =>
      one.type === 'Inventory' ? { ...one, tasks: one.tasks.slice(1) } : one,
    );
    await fixture.start({ manifests: changed });
    Object.assign(client, { target: fixture.platform });
    expect(statusOf(await client.heartbeat()).manifestVersions).toEqual({ Inventory: 2, Vulnerability: 1 });
  });
});
