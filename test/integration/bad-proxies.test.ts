import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RECORDS_STREAM } from '../../src/main/agent/drops.ts';
import { toInstant } from '../../src/main/clock.ts';
import { openStore } from '../../src/main/queue/open.ts';
import type { ConditionCode } from '../../src/shared/conditions.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { answering, PacServer } from '../support/pac-server.ts';
import { until } from '../support/until.ts';

/*
 * Proxy settings, scripts and CA files that are of no use, with a whole agent that may go directly: it stays in touch, and
 * condition, log, "proxy test" and "health" each name the setting, the place, the reason and what to do next.
 */

/** What a script of the test's server is, and the reason that has to be named. */
const SCRIPTS: readonly (readonly [string, string, RegExp])[] = [
  ['10 MB long', `// ${'x'.repeat(10_000_000)}\n${answering('DIRECT')}`, /is larger than 1048576 bytes/],
  [
    'an endless loop',
    'function FindProxyForURL() { for (;;); }',
    /the script ran longer than 2 s|did not end within/,
  ],
  ['no JavaScript', 'function FindProxyForURL( { return "DIRECT" }', /SyntaxError/],
  ['a sign-in page', '<!DOCTYPE html><title>Welcome to the hotel</title>', /SyntaxError/],
  ['without the function', 'var proxy = "PROXY office:8080";', /defines no function FindProxyForURL/],
  ['one that answers a number', 'function FindProxyForURL() { return 8080 }', /returned .* instead of text/],
  [
    'one that answers nonsense',
    answering('use the proxy, please'),
    /"use the proxy, please" is not understood/,
  ],
  [
    'one that answers SOCKS4',
    answering('SOCKS4 office:1080'),
    /SOCKS version 4 is not spoken, name it SOCKS5/,
  ],
];

/** Settings that are wrong by themselves. */
const SETTINGS: readonly (readonly [string, string, RegExp])[] = [
  ['a proxy without scheme', 'wayfarer_https_proxy=office:8080', /has no scheme/],
  ['credentials in a URL', 'wayfarer_https_proxy=http://bob:geheim7@office:8080', /credentials/],
  ['a switch that is neither on nor off', 'wayfarer_proxy_wpad=perhaps', /neither on nor off/],
  ['a script that is not there', 'wayfarer_proxy_pac=/nonexistent/agent.pac', /ENOENT|no such file/i],
];

describe('an agent whose way to the platform is set wrongly', () => {
  const estate = new Estate();
  const server = new PacServer('');
  const caFile = join(estate.scratch, 'ca.pem');
  let agent: AgentProcess;
  let settingsFile: string;

  beforeAll(async () => {
    await estate.start();
    await server.start();
    copyFileSync(estate.platform.caFile, caFile);
    agent = estate.agent({ ...estate.settings(), WAYFARER_CA_FILE: caFile });
    [settingsFile = ''] = agent.paths.proxy.files;
    mkdirSync(dirname(settingsFile), { recursive: true });
    writeFileSync(settingsFile, '');
    agent.start();
    await estate.equal(agent);
  });
  afterAll(async () => {
    await estate.close();
    await server.kill();
  });

  /** Waits until a condition of this code says this. */
  const says = (code: ConditionCode, reason: RegExp): Promise<string> =>
    until(`${code} with ${String(reason)}`, async () => {
      const { conditions } = await agent.status();
      return conditions.find((one) => one.code === code && reason.test(one.text))?.text;
    });

  /** What condition, log and both tools say of settings that were just written. */
  async function everywhere(
    code: ConditionCode,
    setting: string,
    reason: RegExp,
    from: number,
  ): Promise<void> {
    const text = await says(code, reason);
    expect(text).toContain(setting);
    expect(text).toMatch(/[Cc]orrect it (there or with wayfarerctl proxy|in \S+)\.$/);
    const line = await agent.logged(new RegExp(`\\[Warning\\].*condition ${code}: .*`), from);
    expect(line[0]).toContain(setting);
    expect(line[0]).toMatch(reason);
    const [tested, health] = await Promise.all([agent.ctl('proxy', 'test'), agent.ctl('health')]);
    const named = tested.stdout.split('\n').filter((printed) => printed.startsWith('problem: '));
    expect(named.join('\n')).toContain(setting);
    expect(named.join('\n')).toMatch(reason);
    expect([tested.code, health.code]).toEqual([1, 1]);
    expect(health.stdout).toContain(setting);
    expect(health.stdout).toMatch(reason);
    expect(health.stdout).toMatch(/^Needs attention/);
  }

  /** Writes the one line of the settings file, and looks whether everything says why it is of no use. */
  async function refused(line: string, setting: string, reason: RegExp): Promise<void> {
    const from = agent.log().length;
    const content = `# written by an administrator\r\n${line}\n\n`;
    writeFileSync(settingsFile, content);
    await everywhere('PROXY_INVALID', setting, reason, from);
    expect(readFileSync(settingsFile, 'utf8')).toBe(content);
    await agent.logged(/POST \S+\/status via direct, Http status code: 200/, from);
    expect(agent.log()).not.toContain('geheim7');
  }

  it.each(SCRIPTS)('names a script that is %s, and stays in touch', async (_, script, reason) => {
    server.script = script;
    // A place of its own for each: what a script was is kept for a while.
    const url = new URL(`/${randomUUID()}.pac`, server.url).href;
    await refused(`wayfarer_proxy_pac=${url}`, 'wayfarer_proxy_pac', reason);
  });

  it.each(SETTINGS)('names %s, and stays in touch', async (_, line, reason) => {
    await refused(line, line.split('=')[0] ?? '', reason);
  });

  it('says no more of it once the setting is gone', async () => {
    writeFileSync(settingsFile, '');
    await agent.over('PROXY_INVALID');
    expect(await agent.ctl('proxy', 'test')).toMatchObject({ code: 0 });
  });

  it('names a CA file that is no PEM, and goes on with the one that it has until it is mended', async () => {
    const from = agent.log().length;
    writeFileSync(caFile, 'this is no certificate');
    await everywhere('CONFIG_IGNORED', 'CaFile', /holds no PEM certificate/, from);
    await agent.logged(/POST \S+\/status via direct, Http status code: 200/, from);
    expect(readFileSync(caFile, 'utf8')).toBe('this is no certificate');
    copyFileSync(estate.platform.caFile, caFile);
    await agent.over('CONFIG_IGNORED');
  });

  it('R008 loses nothing that waits in the queue to settings that are wrong, and sends it once there is a way', async () => {
    await agent.end();
    const waiting = ['waiting 1', 'waiting 2', 'waiting 3'];
    await enqueue(agent, waiting);
    const { port } = new URL(estate.platform.url);
    await estate.stop();
    server.script = answering('SOCKS4 office:1080');
    for (const line of [`wayfarer_proxy_pac=${server.url}`, 'wayfarer_https_proxy=office:8080']) {
      writeFileSync(settingsFile, `${line}\nwayfarer_proxy_fail_open=off\n`);
      agent.start();
      await says('PROXY_INVALID', /SOCKS version 4|has no scheme/);
      expect((await agent.status()).queue).toMatchObject({ records: waiting.length, dropped: 0 });
      await agent.end();
    }
    await estate.start({ port: Number(port) });
    writeFileSync(settingsFile, '');
    agent.start();
    await until('an empty queue', async () => (await agent.status()).queue.records === 0 || undefined);
    expect(arrived(estate)).toEqual(waiting);
  });
});

/** Puts activities into the queue of an agent that does not run, as it would itself. */
async function enqueue(agent: AgentProcess, details: readonly string[]): Promise<void> {
  const { store } = await openStore(agent.paths.dataDir, {
    now: Date.now,
    newId: randomUUID,
    warn: () => undefined,
  });
  const at = Date.now();
  const records = details.map((detail) => {
    const id = randomUUID();
    const record = { kind: 'activity', id, at: toInstant(at), activity: 'Agent Downloaded', detail };
    return { id, at, body: JSON.stringify(record) };
  });
  store.events.enqueue(RECORDS_STREAM, records);
  store.close();
}

/** Details of the activities that the platform took from the queue, in their order. */
const arrived = (estate: Estate): string[] =>
  estate.withDatabase((db) =>
    db
      .prepare<[], { detail: string }>(
        "SELECT detail FROM activities WHERE detail LIKE 'waiting %' ORDER BY id",
      )
      .all()
      .map(({ detail }) => detail),
  );
