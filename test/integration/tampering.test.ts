import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signingPair } from '../../src/platform/platform.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import {
  signedAgain,
  TamperingRelay,
  unsigned,
  withBody,
  type RelayedReply,
} from '../support/tampering-relay.ts';
import { until } from '../support/until.ts';

/* Somebody between agent and platform, with the platform's own certificate: nothing that is not signed is obeyed. */

describe('replies that were changed on their way', () => {
  const estate = new Estate();
  let relay: TamperingRelay;
  let agent: AgentProcess;
  let hostId = '';

  const isHeartbeat = ({ path }: { readonly path: string }): boolean => path.endsWith('/status');
  const isProfile = ({ path }: { readonly path: string }): boolean => path.endsWith('/config');
  const command = (type: string) => [{ id: '00000000-0000-4000-8000-000000000001', type, args: {} }];

  /** Lets the relay pass everything on and waits until the agent trusts what it gets again. */
  async function honestAgain(): Promise<void> {
    relay.tamper = undefined;
    await agent.over('PLATFORM_REPLY_INVALID');
    await estate.equal(agent);
    expect((await agent.status()).identity.hostId).toBe(hostId);
    expect(estate.platform.admin.agents()).toHaveLength(1);
  }

  beforeAll(async () => {
    await estate.start();
    relay = new TamperingRelay(estate.platform.url, estate.dataDir);
    const settings = {
      ...estate.settings(['AI', 'VM', 'PC']),
      WAYFARER_WEB_SERVICE_URI: await relay.start(),
    };
    agent = estate.agent(settings);
    agent.start();
    hostId = (await agent.synced()).identity.hostId ?? '';
  });
  afterAll(async () => {
    await estate.close();
    await relay.close();
  });

  it('R108 a heartbeat of six manifest types stays below a kilobyte each way', async () => {
    const sizes: number[] = [];
    relay.tamper = (reply, request) => {
      if (isHeartbeat(request)) sizes.push(Number(request.headers['content-length']), reply.body.length);
      return reply;
    };
    await until('two heartbeats', () => (sizes.length >= 4 ? true : undefined));
    expect(Object.keys((await agent.status()).types)).toHaveLength(6);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    expect(Math.max(...sizes)).toBeLessThan(1024);
  });

  it('R222 obeys no command of a reply without a signature', async () => {
    relay.tamper = (reply, request) =>
      isHeartbeat(request)
        ? unsigned(withBody(reply, (body) => ({ ...body, commands: command('REPROVISION') })))
        : reply;
    const { text } = await agent.condition('PLATFORM_REPLY_INVALID');
    expect(text).toContain('Nothing in it was obeyed');
    await agent.logged(/\[Error\].*Http request failed: reply is not signed/);
    await honestAgain();
    expect(agent.log()).not.toContain('command REPROVISION');
  });

  it('R222 obeys no command that was put into a signed reply', async () => {
    relay.tamper = (reply, request) =>
      isHeartbeat(request) ? withBody(reply, (body) => ({ ...body, commands: command('RESYNC') })) : reply;
    await agent.condition('PLATFORM_REPLY_INVALID');
    await honestAgain();
    expect(agent.log()).not.toContain('command RESYNC');
  });

  it('R222 obeys no reply that was given to another request before', async () => {
    let recorded: RelayedReply | undefined;
    relay.tamper = (reply, request) => {
      if (isHeartbeat(request) && reply.body.includes('"RESYNC"')) recorded ??= reply;
      return reply;
    };
    const before = estate.commits(hostId, 'Vulnerability').length;
    estate.platform.admin.command(hostId, 'RESYNC', { types: ['Vulnerability'] });
    const replay = await until('a reply with a command', () => recorded);
    await estate.untilCommits(hostId, 'Vulnerability', (commits) => commits.length === before + 1);
    relay.tamper = (reply, request) => (isHeartbeat(request) ? replay : reply);
    await agent.condition('PLATFORM_REPLY_INVALID');
    await honestAgain();
    expect(agent.log().match(/command RESYNC: DONE/g)).toHaveLength(1);
    expect(estate.commits(hostId, 'Vulnerability')).toHaveLength(before + 1);
  });

  it('keeps its profile when an older one is replayed, even by the platform itself', async () => {
    const profile = estate.platform.admin.profiles()[0]?.profile.id ?? '';
    const version = async (): Promise<number> => (await agent.status()).profile.version;
    const change = async (vmIntervalMin: number): Promise<void> => {
      estate.platform.admin.editProfile(profile, { settings: { vmIntervalMin } });
      await agent.synced();
    };
    let old: Buffer | undefined;
    relay.tamper = (reply, request) => {
      if (isProfile(request)) old ??= reply.body;
      return reply;
    };
    await change(300);
    await until('second version', async () => ((await version()) === 2 ? true : undefined));
    await change(360);
    await until('third version', async () => ((await version()) === 3 ? true : undefined));
    const replayed = old ?? Buffer.alloc(0);
    const key = signingPair(estate.platform.store);
    relay.tamper = (reply, request) =>
      isProfile(request) ? signedAgain({ ...reply, body: replayed }, request, key) : reply;
    await change(420);
    const { text } = await agent.condition('PROFILE_INVALID');
    expect(text).toMatch(/version 2/);
    expect(await version()).toBe(3);
    await agent.logged(/\[Error\].*profile refused: .*version 2/);
    relay.tamper = undefined;
    await until('fourth version', async () => ((await version()) === 4 ? true : undefined));
    await agent.over('PROFILE_INVALID');
  });
});
