import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode, ProvisionReply, ProvisionRequest } from '../../shared/wire.ts';
import { generateKeyPair } from '../../wire/keys.ts';
import { resolveSettings } from '../host/settings.ts';
import { ENDED, type Failure } from '../uplink/failure.ts';
import { lost, refusal } from './testing/fake-platform.ts';
import { DAY, MINUTE, Rig } from './testing/rig.ts';

const KEPT = '11111111-1111-4111-8111-111111111111';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const requests = (): ProvisionRequest[] =>
  rig.platform.of('provision').map((call) => call.body as ProvisionRequest);
const storedId = (): string => readFileSync(rig.paths.hostIdFile, 'utf8').trim();
const storeId = (hostId: string): void => {
  mkdirSync(dirname(rig.paths.hostIdFile), { recursive: true });
  writeFileSync(rig.paths.hostIdFile, `${hostId}\n`);
};

describe('registering with a platform', () => {
  it('R039 R091 shows customer, activation key and the public key that it signs with', async () => {
    await rig.start();
    const { customerId, activationId } = rig.settings;
    const publicKey = rig.core.context.identity.keyPair.publicKey;
    expect(rig.platform.calls[0]?.call).toBe('provision');
    expect(requests()).toMatchObject([{ customerId, activationId, publicKey, reason: 'first' }]);
    expect(requests()[0]?.proposedAgentId).toBe(storedId());
  });

  it('R016 R092 stores the Host ID only after the platform confirmed it', async () => {
    rig.platform.twist('provision', { fail: refusal(403, 'KEY_EXPIRED') });
    await rig.start();
    expect(existsSync(rig.paths.hostIdFile)).toBe(false);
    expect(rig.status.identity.hostId).toBeNull();
    await rig.pass(MINUTE);
    expect(storedId()).toBe(requests()[1]?.proposedAgentId);
    expect(rig.status.identity.hostId).toBe(storedId());
  });

  it('R017 offers a Host ID that is there already', async () => {
    storeId(KEPT);
    await rig.start();
    expect(requests()).toMatchObject([{ proposedAgentId: KEPT, reason: 'reinstall' }]);
    expect(storedId()).toBe(KEPT);
  });

  it.each<ErrorCode>(['KEY_EXPIRED', 'KEY_EXHAUSTED', 'KEY_UNKNOWN', 'CUSTOMER_UNKNOWN'])(
    'R054 R094 says %s and when it tries again: after 60 s, then × 1.5',
    async (code) => {
      const refused = { fail: refusal(403, code) };
      rig.platform.twist('provision', refused, refused, refused);
      const began = rig.clock.now();
      await rig.start();
      expect(rig.conditions).toEqual([code]);
      expect(rig.status.conditions[0]?.text).toContain(new Date(began + MINUTE).toISOString());
      expect(rig.status.nextProvisioning).toBe(new Date(began + MINUTE).toISOString());
      expect(rig.status.phase).toBe('not provisioned');
      await rig.pass(10 * MINUTE);
      expect(rig.platform.of('provision').map((call) => call.at - began)).toEqual([
        0, 60_000, 150_000, 285_000,
      ]);
      expect(rig.status.conditions).toEqual([]);
      expect(new Set(requests().map((request) => request.proposedAgentId)).size).toBe(1);
    },
  );

  it('R100 stays unregistered without a network, and registers when there is one', async () => {
    rig.platform.twist('provision', ...Array.from({ length: 8 }, () => ({ fail: lost })));
    await rig.start();
    await rig.pass(30 * MINUTE);
    expect(rig.facts.provisioned).toBe(false);
    expect(rig.platform.agents.size).toBe(0);
    expect(rig.conditions).toEqual(['PLATFORM_UNREACHABLE']);
    await rig.pass(DAY);
    expect(rig.facts.provisioned).toBe(true);
    expect(rig.conditions).toEqual([]);
  });

  it('tries again at once where the agent ended the attempt itself, with the same UUID', async () => {
    const ended: Failure = { kind: 'transport', code: ENDED, reason: 'the connection was reset' };
    rig.platform.twist('provision', { fail: ended });
    await rig.start();
    expect(rig.facts.provisioned).toBe(true);
    const [first, second] = requests();
    expect(second?.proposedAgentId).toBe(first?.proposedAgentId);
    expect(rig.events.map(({ name }) => name)).not.toContain('provisioning failed');
  });

  it('shows what keeps it from registering now, not what did before', async () => {
    const fails = [lost, refusal(500, 'INTERNAL'), refusal(403, 'KEY_UNKNOWN')].map((fail) => ({ fail }));
    rig.platform.twist('provision', ...fails);
    await rig.start();
    await rig.pass(MINUTE);
    expect(rig.conditions).toEqual(['PROVISIONING_FAILED']);
    await rig.pass(90_000);
    expect(rig.conditions).toEqual(['KEY_UNKNOWN']);
  });

  it('waits as long as a busy platform asks', async () => {
    rig.platform.twist('provision', { fail: refusal(503, 'BUSY', 600) });
    await rig.start();
    await rig.pass(599_000);
    expect(requests()).toHaveLength(1);
    await rig.pass(1_000);
    expect(requests()).toHaveLength(2);
  });

  it('R007 is not kept waiting on another network by a refusal that nobody signed', async () => {
    rig.platform.twist('provision', { fail: { ...refusal(503, ''), verified: false } as Failure });
    await rig.start();
    await rig.pass(1_000);
    expect(requests()).toHaveLength(1);
    rig.network.change({ gateways: ['198.51.100.1'] });
    await rig.settle();
    expect(rig.facts.provisioned).toBe(true);
  });

  it('R007 behind a sign-in page tries once a minute, since nothing on the host tells when a person has signed in', async () => {
    const portal: Failure = { kind: 'portal', suspected: false, evidence: 'a page answers' };
    rig.platform.twist('provision', ...Array.from({ length: 500 }, () => ({ fail: portal })));
    await rig.start();
    await rig.pass(3 * 60 * MINUTE);
    expect(rig.conditions).toEqual(['CAPTIVE_PORTAL']);
    rig.platform.straighten();
    await rig.pass(MINUTE);
    expect(rig.facts.provisioned).toBe(true);
    expect(rig.conditions).toEqual([]);
  });

  it('keeps to the back-off on another network where the platform itself refused', async () => {
    rig.platform.twist('provision', { fail: refusal(403, 'KEY_EXPIRED') });
    await rig.start();
    rig.network.change({ gateways: ['198.51.100.1'] });
    await rig.settle();
    expect(requests()).toHaveLength(1);
    await rig.pass(MINUTE);
    expect(rig.facts.provisioned).toBe(true);
  });

  it('proposes a new UUID at once where another host has the id, then keeps to the back-off', async () => {
    storeId(KEPT);
    const taken = { fail: refusal(409, 'AGENT_ID_IN_USE') };
    rig.platform.twist('provision', taken, taken);
    await rig.start();
    expect(requests()).toHaveLength(2);
    expect(rig.conditions).toEqual(['AGENT_ID_IN_USE']);
    await rig.pass(MINUTE);
    const ids = requests().map((request) => request.proposedAgentId);
    expect(new Set(ids).size).toBe(3);
    expect(storedId()).toBe(ids[2]);
    expect(rig.conditions).toEqual([]);
  });

  it('R093 registers once: not after a restart, nor while it runs', async () => {
    await rig.start();
    await rig.pass(3 * DAY);
    await rig.stop();
    await rig.start();
    expect(requests()).toHaveLength(1);
  });

  it('R013 R325 keeps the Host ID over restarts and kills', async () => {
    await rig.start();
    const hostId = storedId();
    await rig.kill();
    await rig.start();
    await rig.stop();
    await rig.start();
    expect(storedId()).toBe(hostId);
    expect(rig.platform.agents.size).toBe(1);
  });

  it('proposes the same id after a confirmation that never arrived, also as another process', async () => {
    rig.platform.twist('provision', { lose: true });
    await rig.start();
    await rig.kill();
    await rig.start();
    expect(new Set(requests().map((request) => request.proposedAgentId)).size).toBe(1);
    expect(rig.platform.agents.size).toBe(1);
  });

  it('prefers a Host ID that was put into its place to a proposal of its own', async () => {
    rig.platform.twist('provision', { fail: lost });
    await rig.start();
    await rig.stop();
    storeId(KEPT);
    await rig.start();
    expect(storedId()).toBe(KEPT);
  });

  it('registers again with the same Host ID where the platform forgot it', async () => {
    await rig.start();
    const hostId = storedId();
    rig.platform.agents.clear();
    await rig.pass(15 * MINUTE);
    expect(requests().map((request) => request.proposedAgentId)).toEqual([hostId, hostId]);
    expect(storedId()).toBe(hostId);
    expect(rig.inSync()).toBe(true);
  });

  it('does not spin with a platform that registers and forgets it at once', async () => {
    const unknown = Array.from({ length: 50 }, () => ({ fail: refusal(404, 'AGENT_UNKNOWN') }));
    rig.platform.twist('profile', ...unknown);
    await rig.start();
    expect(requests().length).toBeLessThanOrEqual(2);
    await rig.pass(10 * MINUTE);
    expect(requests().length).toBeLessThanOrEqual(7);
    rig.platform.straighten();
    await rig.pass(30 * MINUTE);
    expect(rig.inSync()).toBe(true);
  });

  it('does not spin where the Host ID cannot be written', async () => {
    mkdirSync(rig.paths.hostIdFile, { recursive: true });
    rmSync(rig.paths.hostIdFile, { recursive: true });
    await rig.begin();
    // A directory in the place of the file: the rename into it fails.
    mkdirSync(`${rig.paths.hostIdFile}/x`, { recursive: true });
    await rig.settle();
    expect(requests()).toHaveLength(1);
    rmSync(rig.paths.hostIdFile, { recursive: true });
    await rig.pass(MINUTE);
    expect(storedId()).toBe(requests()[0]?.proposedAgentId);
    expect(rig.platform.agents.size).toBe(1);
  });

  it('believes no confirmation of another id, nor one that names another key than the pinned one', async () => {
    const other = (change: Partial<ProvisionReply>) => ({
      change: (reply: ProvisionReply): ProvisionReply => ({ ...reply, ...change }),
    });
    rig.platform.twist('provision', other({ agentId: KEPT }));
    await rig.start();
    expect(rig.facts.provisioned).toBe(false);
    expect(rig.conditions).toEqual(['PLATFORM_REPLY_INVALID']);
    await rig.pass(MINUTE);
    expect(rig.facts.provisioned).toBe(true);
    rig.platform.agents.clear();
    rig.platform.twist('provision', other({ platformPublicKey: generateKeyPair().publicKey }));
    await rig.pass(15 * MINUTE);
    expect(rig.facts.provisioned).toBe(false);
    expect(rig.status.platform.keyId).toBe(rig.platform.key.keyId);
  });

  it('does nothing without settings but say what is missing', async () => {
    rig.settings = { ...resolveSettings([]), missing: ['CustomerId'] };
    await rig.start();
    await rig.pass(DAY);
    expect(rig.platform.calls).toEqual([]);
    expect(rig.conditions).toEqual(['NOT_CONFIGURED']);
  });
});

describe('a platform that removed this agent', () => {
  it('hears nothing more of it, and no collection starts', async () => {
    await rig.start();
    const before = rig.platform.calls.length;
    rig.platform.twist('heartbeat', { fail: refusal(410, 'AGENT_UNINSTALLED') });
    await rig.pass(15 * MINUTE);
    rig.collector.changed();
    await rig.pass(3 * DAY);
    expect(rig.platform.calls).toHaveLength(before + 1);
    expect(rig.collector.collections).toHaveLength(1);
    expect(rig.status.phase).toBe('not provisioned');
    expect(rig.conditions).toEqual(['UNINSTALLED']);
  });
});
