import { randomBytes } from 'node:crypto';
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { proxyUrl } from '../../src/main/uplink/proxy/candidate.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate, notesIn } from '../support/estate.ts';
import { InterceptingProxy } from '../support/intercepting-proxy.ts';
import { setCredentials, type Credentials } from '../support/proxy-credentials.ts';
import { ProxyServer } from '../support/proxy-servers.ts';
import { because, noProgram } from '../support/reason.ts';
import { Socks5Server } from '../support/socks5-server.ts';
import { until } from '../support/until.ts';

/*
 * A whole agent behind real proxies. The direct way is forbidden unless a test is about it, so that what arrives has come
 * through them.
 */

const missing = noProgram('squid', 'squid') ?? noProgram('tinyproxy', 'tinyproxy-bin');
const estate = new Estate();
const closing: (() => Promise<unknown>)[] = [];
beforeAll(() => estate.start());
afterAll(() => estate.close());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Behind {
  readonly failOpen?: boolean;
  readonly credentials?: Credentials;
  readonly settings?: Readonly<Record<string, string>>;
}

/** An agent, not started yet, with these proxies in its settings. */
async function agentBehind(proxies: readonly string[], behind: Behind = {}): Promise<AgentProcess> {
  const { failOpen = false, credentials, settings = {} } = behind;
  const agent = estate.agent({ ...estate.settings(), ...settings });
  closing.push(() => agent.close());
  for (const args of [
    ['set', proxies.join(';')],
    ['fail-open', failOpen ? 'on' : 'off'],
  ]) {
    expect(await agent.ctl('proxy', ...args)).toMatchObject({ code: 0 });
  }
  if (credentials !== undefined) setCredentials(agent, credentials);
  return agent;
}

/** Has the agent send no faster than this, KB/s; 0: as fast as it goes. */
async function throttled(agent: AgentProcess, networkThrottleTxKbps: number): Promise<void> {
  const profile = estate.platform.admin.profiles()[0]?.profile.id ?? '';
  const { version } = (await agent.status()).profile;
  estate.platform.admin.editProfile(profile, { settings: { networkThrottleTxKbps } });
  await until('the new profile', async () =>
    (await agent.status()).profile.version > version ? true : undefined,
  );
}

/** Half a kilobyte that does not compress, in words: a collector masks what looks like a key. */
const noise = (): string => Array.from({ length: 60 }, () => randomBytes(4).toString('hex')).join(' ');

async function started(proxy: Promise<ProxyServer>): Promise<ProxyServer> {
  const running = await proxy;
  closing.push(() => running.close());
  return running;
}

/** Squid hands others to its helper escaped; a unit test has them. */
const credentials = { username: 'roamer', password: 'plain-Pass1' };

describe.skipIf(missing !== undefined)(`an agent behind real proxies${because(missing)}`, () => {
  it.each([
    ['squid', () => ProxyServer.squid()],
    ['tinyproxy', () => ProxyServer.tinyproxy()],
  ])('R002 R260 registers and synchronises through %s alone', async (_, open) => {
    const proxy = await started(open());
    const agent = await agentBehind([proxy.url]);
    agent.start();
    await estate.equal(agent);
    expect(agent.log()).toContain(`routes: proxy#1 ${proxy.url} (configured)`);
    expect(agent.log()).not.toContain('via direct');
    expect((await agent.status()).conditions.filter(({ code }) => code !== 'DEV_INTERVALS')).toEqual([]);
  });

  it.each([
    ['squid', () => ProxyServer.squid({ credentials })],
    ['tinyproxy', () => ProxyServer.tinyproxy({ credentials })],
  ])('does so through %s that asks for user and password, and never shows them', async (_, open) => {
    const proxy = await started(open());
    const agent = await agentBehind([proxy.url], { credentials });
    const { username, password } = credentials;
    agent.start();
    await estate.equal(agent);
    expect(agent.log()).not.toContain(password);
    expect(agent.log()).not.toContain(Buffer.from(`${username}:${password}`).toString('base64'));
  });

  it('R259 goes on to the next proxy after a 407, and says what the first one wants', async () => {
    const [asking, open] = [
      await started(ProxyServer.squid({ credentials })),
      await started(ProxyServer.tinyproxy()),
    ];
    const agent = await agentBehind([asking.url, open.url]);
    agent.start();
    await estate.equal(agent);
    const { text } = await agent.condition('PROXY_AUTHENTICATION');
    expect(text).toContain(asking.url);
    expect(text).toContain('offers Basic');
    await agent.logged(/\[Error\].*Http request failed: PROXY_407 .* via proxy#1 http:\S+ \(configured\)/);
    // With the right ones it is the first again, without a restart.
    setCredentials(agent, credentials);
    await agent.over('PROXY_AUTHENTICATION');
    await agent.logged(/via proxy#1, Http status code: 200/);
  });

  it('R260 R262 goes on to the second proxy while the first one is dead, and back once it lives', async () => {
    const [first, second] = [await started(ProxyServer.squid()), await started(ProxyServer.tinyproxy())];
    await first.kill();
    const agent = await agentBehind([first.url, second.url]);
    agent.start();
    await estate.equal(agent);
    await agent.logged(/Http request failed: ECONNREFUSED .* via proxy#1 /);
    await agent.logged(/via proxy#2, Http status code: 200/);
    const from = agent.log().length;
    await first.start();
    await second.kill();
    await agent.logged(/via proxy#1, Http status code: 200/, from);
    await estate.equal(agent);
  });

  it('R261 takes the direct way when every proxy is dead, if it may', async () => {
    const proxy = await started(ProxyServer.tinyproxy());
    await proxy.kill();
    const agent = await agentBehind([proxy.url], { failOpen: true });
    agent.start();
    await estate.equal(agent);
    await agent.logged(/via direct, Http status code: 200/);
  });

  it('R142 R145 loses nothing when the proxy dies in the middle of a paced chunk', async () => {
    const proxy = await started(ProxyServer.squid());
    const agent = await agentBehind([proxy.url]);
    agent.start();
    await estate.equal(agent);
    const hostId = (await agent.status()).identity.hostId ?? '';
    await throttled(agent, 40);
    const before = estate.commits(hostId, 'Inventory').length;
    const lines = Array.from({ length: 300 }, noise).sort();
    const from = agent.log().length;
    estate.write(...lines);
    await agent.cycle('Inventory');
    await agent.logged(/POST \S+\/uploads via proxy#1, Http status code: 20\d/, from);
    await proxy.kill();
    await agent.logged(/\[Error\].*Http request failed: .*: PUT \S+\/chunks\/0 via proxy#1 /, from);
    await proxy.start();
    await throttled(agent, 0);
    await estate.untilCommits(hostId, 'Inventory', (commits) => commits.length > before);
    expect(notesIn((await estate.equal(agent))['Inventory'])).toEqual(lines);
    expect(estate.commits(hostId, 'Inventory')).toHaveLength(before + 1);
    estate.write('first', 'second', 'third');
  });
});

describe('an agent behind proxies of our own', () => {
  it('synchronises through SOCKS5 with user and password', async () => {
    const socks = await new Socks5Server({ ...credentials, resolve: () => '127.0.0.1' }).start();
    closing.push(() => socks.close());
    const agent = await agentBehind([proxyUrl(socks.candidate())], { credentials });
    agent.start();
    await estate.equal(agent);
    expect(socks.logins.length).toBeGreaterThan(0);
    expect(agent.log()).not.toContain(credentials.password);
  });

  it('R222 works behind a TLS-inspecting proxy that the CA file vouches for; without that it names the issuer', async () => {
    const proxy = await InterceptingProxy.start(estate.platform.caFile);
    closing.push(() => proxy.close());
    const caFile = join(estate.scratch, 'ca.pem');
    copyFileSync(estate.platform.caFile, caFile);
    const agent = await agentBehind([proxyUrl(proxy.candidate())], {
      settings: { WAYFARER_CA_FILE: caFile },
    });
    agent.start();
    const { text } = await agent.condition('PLATFORM_TLS');
    expect(text).toContain('issued by CN=Inspecting CA, O=Example Corp');
    expect(agent.hostIdFile()).toBeUndefined();
    expect(proxy.read).toBe('');
    // The CA is added: no restart.
    appendFileSync(caFile, readFileSync(proxy.caFile));
    await agent.over('PLATFORM_TLS');
    await estate.equal(agent);
    expect(proxy.read).toContain('POST /CloudAgent/v1/provision');
  });
});
