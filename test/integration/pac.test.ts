import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteAttempt } from '../../src/shared/proxy.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { answering, entry, PacServer } from '../support/pac-server.ts';
import { setCredentials } from '../support/proxy-credentials.ts';
import { ProxyServer } from '../support/proxy-servers.ts';
import { because, noProgram } from '../support/reason.ts';

/*
 * A whole agent that knows its proxies from a PAC file alone, in the order of these tests. The direct way is forbidden, so
 * that what arrives has come through them. A change of any setting stands for what has scripts fetched anew: a change
 * of the network would do the same.
 */

const missing = noProgram('squid', 'squid') ?? noProgram('tinyproxy', 'tinyproxy-bin');

/** What has a meaning in shells, URLs and settings, and is longer in UTF-8 than in characters. */
const credentials = { username: 'roamer', password: 'Pä@ss;wö&rd%41€' };

describe.skipIf(missing !== undefined)(`an agent behind a PAC file${because(missing)}`, () => {
  const estate = new Estate();
  const server = new PacServer('');
  let squid: ProxyServer;
  let tinyproxy: ProxyServer;
  let agent: AgentProcess;

  beforeAll(async () => {
    await estate.start();
    squid = await ProxyServer.squid({ credentials });
    tinyproxy = await ProxyServer.tinyproxy();
    server.script = answering(`${entry(squid.url)}; ${entry(tinyproxy.url)}`);
    await server.start();
    agent = estate.agent();
    await set('pac', server.url);
    await set('fail-open', 'off');
    setCredentials(agent, credentials);
    agent.start();
  });
  afterAll(async () => {
    await estate.close();
    await Promise.all([squid.close(), tinyproxy.close(), server.kill()]);
  });

  const set = async (...args: string[]): Promise<void> => {
    expect(await agent.ctl('proxy', ...args)).toMatchObject({ code: 0 });
  };
  const test = async (): Promise<{ code: number | null; ways: unknown[]; problems: string[] }> => {
    const { code, stdout } = await agent.ctl('proxy', 'test', '--json');
    const { attempts, problems } = JSON.parse(stdout) as { attempts: RouteAttempt[]; problems: string[] };
    const ways = attempts.map(({ route, proxy, source, ok }) => [route, proxy, source, ok]);
    return { code, ways, problems };
  };

  it('R265 R266 comes through the first proxy that the script names, with the credentials for it, and never shows them', async () => {
    await estate.equal(agent);
    const log = agent.log();
    expect(log).toContain(`routes: proxy#1 ${squid.url} (PAC), proxy#2 ${tinyproxy.url} (PAC)`);
    expect(log).toMatch(/via proxy#1, Http status code: 200/);
    expect(log).not.toContain('via proxy#2');
    expect(log).not.toContain('via direct');
    const pair = `${credentials.username}:${credentials.password}`;
    for (const secret of [credentials.password, Buffer.from(pair).toString('base64')])
      expect(log).not.toContain(secret);
    expect((await agent.status()).conditions.filter(({ code }) => code !== 'DEV_INTERVALS')).toEqual([]);
  });

  it('R265 R266 has both proxies in the answer of "proxy test"', async () => {
    expect(await test()).toEqual({
      code: 0,
      ways: [
        ['proxy#1', squid.url, 'PAC', true],
        ['proxy#2', tinyproxy.url, 'PAC', true],
      ],
      problems: [],
    });
  });

  it('R265 is refused by the proxy with other credentials, which shows that it was asked for them', async () => {
    setCredentials(agent, { ...credentials, password: 'another' });
    const { text } = await agent.condition('PROXY_AUTHENTICATION');
    expect(text).toContain(`${squid.url} (PAC) answers 407`);
    expect(await test()).toMatchObject({
      code: 0,
      ways: [
        ['proxy#1', squid.url, 'PAC', false],
        ['proxy#2', tinyproxy.url, 'PAC', true],
      ],
    });
    setCredentials(agent, credentials);
    await agent.over('PROXY_AUTHENTICATION');
  });

  it('R266 goes on to the second proxy of the script while the first one is dead', async () => {
    const from = agent.log().length;
    await squid.kill();
    await agent.logged(/via proxy#2, Http status code: 200/, from);
    await squid.start();
  });

  it('follows a script that has changed', async () => {
    const from = agent.log().length;
    server.script = answering(entry(tinyproxy.url));
    await set('order', 'random');
    await agent.logged(new RegExp(`routes: proxy#1 ${tinyproxy.url} \\(PAC\\)$`, 'm'), from);
    expect(await test()).toMatchObject({ code: 0, ways: [['proxy#1', tinyproxy.url, 'PAC', true]] });
  });

  it('goes by the last good copy when the server of the script has died, over a restart too, and says so', async () => {
    await server.kill();
    await set('order', 'sequential');
    const { text } = await agent.condition('PROXY_INVALID');
    expect(text).toMatch(/ECONNREFUSED.*the copy of \d{4}-\S+ is used/);
    await agent.restart();
    const from = agent.log().length;
    await agent.logged(
      new RegExp(`via proxy#1 ${tinyproxy.url} .*200|via proxy#1, Http status code: 200`),
      from,
    );
    const { code, ways, problems } = await test();
    expect([code, ways]).toEqual([1, [['proxy#1', tinyproxy.url, 'PAC', true]]]);
    expect(problems.join()).toContain('is used');
    await estate.equal(agent);
  });

  it('takes the script of the server again once it is back', async () => {
    server.script = answering(`${entry(tinyproxy.url)}; ${entry(squid.url)}`);
    await server.start();
    const from = agent.log().length;
    await set('order', 'random');
    await agent.over('PROXY_INVALID');
    await agent.logged(
      new RegExp(`routes: proxy#1 ${tinyproxy.url} \\(PAC\\), proxy#2 ${squid.url} \\(PAC\\)`),
      from,
    );
    expect(agent.log()).not.toContain('via direct');
  });
});
