import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProvisionReply } from '../shared/wire.ts';
import { generateKeyPair } from '../wire/keys.ts';
import { hostFacts } from '../../test/support/platform-client.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';

const fixture = { current: undefined as unknown as PlatformFixture };
beforeEach(async () => {
  fixture.current = new PlatformFixture();
  await fixture.current.start();
});
afterEach(() => fixture.current.dispose());

const unknownId = '00000000-0000-4000-8000-000000000000';
const admin = () => fixture.current.platform.admin;

describe('provisioning', () => {
  it('R038 R118 registers an agent that presents a key, and records the activity', async () => {
    const client = fixture.current.client();
    const key = admin().createKey({ title: 'Laptops', modules: ['AI', 'VM'] });
    const reply = await client.provision(key.id);
    expect(reply.status).toBe(201);
    expect(ProvisionReply.parse(reply.body)).toMatchObject({
      agentId: client.agentId,
      activationTitle: 'Laptops',
      platformPublicKey: fixture.current.platform.platformKey,
      modules: ['AI', 'VM'],
      configVersion: 1,
      statusIntervalSec: 900,
    });
    expect(admin().activities(client.agentId)).toEqual([
      { activity: 'Provisioned', detail: null, at: fixture.current.time },
    ]);
  });

  it('R049 R292 gives the tags of the key, and the tag of all agents, to every host that registers with it', async () => {
    const client = await fixture.current.agent(['AI'], ['Office', 'Berlin']);
    expect(admin().show(client.agentId).tags).toEqual(['Cloud Agent', 'Office', 'Berlin']);
  });

  it('R042 R043 R056 activates the modules of the key and inventory, and nothing else', async () => {
    const client = await fixture.current.agent(['PC']);
    expect(admin().show(client.agentId).modules).toEqual(['AI', 'PC']);
    const refused = await client.call('GET', client.agentPath('/manifests/Vulnerability'));
    expect([refused.status, refused.code]).toEqual([403, 'MODULE_NOT_ACTIVE']);
    const given = await client.call('GET', client.agentPath('/manifests/PolicyCompliance'));
    expect(given.status).toBe(200);
  });

  it('R045 refuses a key with both PC and SCA', () => {
    expect(() => admin().createKey({ title: 'Both', modules: ['PC', 'SCA'] })).toThrow(/PC and SCA/);
  });

  it.each([
    ['CUSTOMER_UNKNOWN', { customerId: unknownId }],
    ['KEY_UNKNOWN', { activationId: unknownId }],
  ])('answers 403 %s', async (code, changes) => {
    const client = fixture.current.client();
    if ('customerId' in changes) client.customerId = unknownId;
    const reply = await client.provision(fixture.current.activationId, changes);
    expect([reply.status, reply.code]).toEqual([403, code]);
  });

  it('refuses a disabled key as unknown', async () => {
    admin().editKey(fixture.current.activationId, { disabled: true });
    const reply = await fixture.current.client().provision(fixture.current.activationId);
    expect([reply.status, reply.code]).toEqual([403, 'KEY_UNKNOWN']);
  });

  it('R050 R051 takes any number of agents until a maximum is set', async () => {
    const key = admin().createKey({ title: 'Any' });
    for (let n = 0; n < 3; n++) expect((await fixture.current.client().provision(key.id)).status).toBe(201);
    admin().editKey(key.id, { maxAgents: 3 });
    const reply = await fixture.current.client().provision(key.id);
    expect([reply.status, reply.code]).toEqual([403, 'KEY_EXHAUSTED']);
  });

  it('R052 takes agents until the expiry date', async () => {
    const expiresAt = new Date(fixture.current.time + 60_000).toISOString();
    const key = admin().createKey({ title: 'Dated', expiresAt });
    expect((await fixture.current.client().provision(key.id)).status).toBe(201);
    fixture.current.advance(60);
    const reply = await fixture.current.client().provision(key.id);
    expect([reply.status, reply.code]).toEqual([403, 'KEY_EXPIRED']);
  });

  it('R053 ends a key with both limits at the first one reached', async () => {
    const expiresAt = new Date(fixture.current.time + 60_000).toISOString();
    const byCount = admin().createKey({ title: 'Both', maxAgents: 1, expiresAt });
    expect((await fixture.current.client().provision(byCount.id)).status).toBe(201);
    expect((await fixture.current.client().provision(byCount.id)).code).toBe('KEY_EXHAUSTED');
    const byDate = admin().createKey({ title: 'Both', maxAgents: 9, expiresAt });
    fixture.current.advance(61);
    expect((await fixture.current.client().provision(byDate.id)).code).toBe('KEY_EXPIRED');
  });

  it('counts a known agent that registers again only once', async () => {
    const key = admin().createKey({ title: 'One', maxAgents: 1 });
    const client = fixture.current.client();
    expect((await client.provision(key.id)).status).toBe(201);
    expect((await client.provision(key.id)).status).toBe(201);
    expect(
      admin()
        .keys()
        .find((one) => one.id === key.id)?.agents,
    ).toBe(1);
  });

  it('R097 refuses a live agent id to another key with 409, and to other hardware for ever', async () => {
    const client = await fixture.current.agent();
    const { activationKey } = admin().show(client.agentId);
    client.key = generateKeyPair();
    const early = await client.provision(activationKey);
    expect([early.status, early.code]).toEqual([409, 'AGENT_ID_IN_USE']);
    fixture.current.advance(10 * 900);
    const foreign = await client.provision(activationKey, {
      host: hostFacts({ fingerprint: 'b'.repeat(64) }),
    });
    expect([foreign.status, foreign.code]).toEqual([409, 'AGENT_ID_IN_USE']);
  });

  it('accepts a new key of the same host once the old one was silent for two status intervals', async () => {
    const client = await fixture.current.agent();
    await client.heartbeat();
    const { activationKey } = admin().show(client.agentId);
    client.key = generateKeyPair();
    fixture.current.advance(2 * 900 - 1);
    expect((await client.provision(activationKey, { reason: 'reinstall' })).status).toBe(409);
    fixture.current.advance(1);
    expect((await client.provision(activationKey, { reason: 'reinstall' })).status).toBe(201);
    expect(admin().activities(client.agentId)[0]?.detail).toContain('new agent key');
    client.counter = 0;
    expect((await client.heartbeat()).body).toMatchObject({ commands: [] });
  });

  it('R104 leaves the old record with its id, last checked in when the host took a new one', async () => {
    const client = await fixture.current.agent();
    await client.heartbeat();
    const old = client.agentId;
    admin().command(old, 'REPROVISION');
    fixture.current.advance(500);
    const next = fixture.current.client();
    await next.provision(fixture.current.activationId, { reason: 'reprovision', previousAgentId: old });
    expect(admin().show(old).lastCheckedIn).toBe(fixture.current.time);
    expect(
      admin()
        .agents()
        .map((agent) => agent.id),
    ).toEqual([old, next.agentId]);
    fixture.current.advance(10);
    await next.heartbeat();
    expect(admin().show(old).lastCheckedIn).toBe(fixture.current.time - 10_000);
  });

  it('R097 R104 does not move the last check-in of an original when its clone takes a new id', async () => {
    const original = await fixture.current.agent();
    await original.heartbeat();
    const checkedIn = fixture.current.time;
    fixture.current.advance(500);
    const clone = fixture.current.client();
    const changes = { reason: 'reprovision', previousAgentId: original.agentId };
    expect((await clone.provision(fixture.current.activationId, changes)).status).toBe(201);
    expect(admin().show(original.agentId).lastCheckedIn).toBe(checkedIn);
  });

  it('R097 refuses a copy of a disk, key and all, on other hardware while the original is alive', async () => {
    const client = await fixture.current.agent();
    const { activationKey } = admin().show(client.agentId);
    const elsewhere = { host: hostFacts({ fingerprint: 'b'.repeat(64) }) };
    fixture.current.advance(2 * 900 - 1);
    const reply = await client.provision(activationKey, elsewhere);
    expect([reply.status, reply.code]).toEqual([409, 'AGENT_ID_IN_USE']);
    expect((await client.heartbeat()).body).toMatchObject({ commands: [] });
    fixture.current.advance(2 * 900);
    expect((await client.provision(activationKey, elsewhere)).status).toBe(201);
  });

  it('R051 R097 gives the last place of a key, and one id, to one of two that ask at once', async () => {
    const key = admin().createKey({ title: 'One', maxAgents: 1 });
    const two = [fixture.current.client(), fixture.current.client()];
    const places = await Promise.all(two.map((client) => client.provision(key.id)));
    expect(places.map((reply) => reply.code ?? reply.status).sort()).toEqual([201, 'KEY_EXHAUSTED']);

    const rivals = [fixture.current.client(), fixture.current.client()];
    for (const client of rivals) client.agentId = rivals[0]?.agentId ?? '';
    const ids = await Promise.all(rivals.map((client) => client.provision(fixture.current.activationId)));
    expect(ids.map((reply) => reply.code ?? reply.status).sort()).toEqual([201, 'AGENT_ID_IN_USE']);
  });

  it('R041 has a title for every key, which can be changed', () => {
    const key = admin().createKey({ title: 'Laptops' });
    expect(admin().editKey(key.id, { title: 'Notebooks' }).title).toBe('Notebooks');
    expect(
      admin()
        .keys()
        .find((one) => one.id === key.id)?.title,
    ).toBe('Notebooks');
    expect(() => admin().createKey({ title: ' ' })).toThrow(/title/);
  });

  it('R057 changes existing agents of an edited key only when asked to', async () => {
    const key = admin().createKey({ title: 'Edited', modules: ['AI'] });
    const client = fixture.current.client();
    await client.provision(key.id);
    admin().editKey(key.id, { modules: ['AI', 'VM'] });
    expect(admin().show(client.agentId).modules).toEqual(['AI']);
    admin().editKey(key.id, { applyToAgents: true });
    expect(admin().show(client.agentId).modules).toEqual(['AI', 'VM']);
    expect((await client.heartbeat()).body).toMatchObject({
      commands: [{ type: 'ACTIVATE', args: { module: 'VM' } }],
    });
  });

  it('R055 activates further modules later', async () => {
    const client = await fixture.current.agent(['AI']);
    admin().changeModules(client.agentId, ['AI', 'SCA']);
    expect((await client.heartbeat()).body).toMatchObject({ modules: ['AI', 'SCA'] });
    expect(() => admin().changeModules(client.agentId, ['PC', 'SCA'])).toThrow(/PC and SCA/);
  });

  it('R314 withholds the manifest of a deactivated module, and says so with DEACTIVATE', async () => {
    const client = await fixture.current.agent(['AI', 'VM']);
    admin().changeModules(client.agentId, ['AI']);
    expect((await client.heartbeat()).body).toMatchObject({
      modules: ['AI'],
      manifestVersions: { Inventory: 1 },
      commands: [{ type: 'DEACTIVATE', args: { module: 'VM' } }],
    });
    const refused = await client.call('GET', client.agentPath('/manifests/Vulnerability'));
    expect([refused.status, refused.code]).toEqual([403, 'MODULE_NOT_ACTIVE']);
  });

  it('refuses a proof of possession by another key than the one in the body', async () => {
    const reply = await fixture.current
      .client()
      .provision(fixture.current.activationId, {}, { key: generateKeyPair() });
    expect([reply.status, reply.code]).toEqual([401, 'BAD_SIGNATURE']);
  });
});
