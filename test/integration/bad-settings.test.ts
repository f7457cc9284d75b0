import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentStatus } from '../../src/shared/status.ts';
import { generateKeyPair } from '../../src/wire/keys.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate, notesIn } from '../support/estate.ts';
import { until } from '../support/until.ts';

/*
 * Settings that are wrong or that a platform refuses: each gives a condition and a log line that name cause and next step,
 * and once the cause is gone the agent registers and everything is in sync.
 */

/** Codes that `wayfarerctl status --json` shows, and its exit code. */
async function shown(agent: AgentProcess): Promise<{ codes: string[]; exit: number | null }> {
  const { stdout, code } = await agent.ctl('status', '--json');
  const { conditions } = AgentStatus.parse(JSON.parse(stdout));
  return { codes: conditions.map((condition) => condition.code), exit: code };
}

describe('settings that a platform refuses', () => {
  const estate = new Estate();
  let settings: Record<string, string> = {};

  beforeAll(async () => {
    await estate.start();
    settings = estate.settings();
  });
  afterAll(() => estate.close());

  /** A key that can't be used (any more), by how it came to that. */
  const spoilt = {
    KEY_UNKNOWN: () => randomUUID(),
    KEY_EXPIRED: () =>
      estate.platform.admin.createKey({ title: 'Expired', expiresAt: '2020-01-01T00:00:00.000Z' }).id,
    KEY_EXHAUSTED: () => {
      const { id } = estate.platform.admin.createKey({ title: 'Used up', maxAgents: 1 });
      const [first] = estate.platform.store.agents.list();
      if (first === undefined) throw new Error('no agent to use the key up');
      estate.platform.store.agents.put({ ...first, activationKey: id });
      return id;
    },
  };

  it('R001 R039 R091 registers with the right customer and key, by connections that it opens itself', async () => {
    const agent = estate.agent(settings);
    agent.start();
    await estate.equal(agent);
    expect(await shown(agent)).toEqual({ codes: ['DEV_INTERVALS'], exit: 0 });
    expect(listeningSockets(agent.pid)).toEqual([]);
    await agent.close();
  });

  it.each(['KEY_UNKNOWN', 'KEY_EXPIRED', 'KEY_EXHAUSTED'] as const)(
    'R054 R092 %s shows with the next attempt, nothing is stored, and a good key helps',
    async (code) => {
      const before = estate.platform.admin.agents().length;
      const agent = estate.agent({ ...settings, WAYFARER_ACTIVATION_ID: spoilt[code]() });
      agent.start();
      const condition = await agent.condition(code);
      const next = (await agent.status()).nextProvisioning ?? '';
      expect(condition.text).toMatch(/next attempt \d{4}-/);
      expect(Date.parse(next)).toBeGreaterThan(Date.now());
      await agent.logged(new RegExp(`\\[Warning\\].*provisioning failed: 403 ${code}.*next attempt`));
      expect(await shown(agent)).toMatchObject({
        exit: 6,
        codes: expect.arrayContaining([code]) as string[],
      });
      expect(agent.hostIdFile()).toBeUndefined();
      expect(estate.platform.admin.agents()).toHaveLength(before);
      await agent.restart({ WAYFARER_ACTIVATION_ID: settings['WAYFARER_ACTIVATION_ID'] ?? '' });
      await estate.equal(agent);
      expect((await shown(agent)).exit).toBe(0);
      expect(estate.platform.admin.agents()).toHaveLength(before + 1);
      await agent.close();
    },
  );

  it('CUSTOMER_UNKNOWN shows which customer, and the right one helps', async () => {
    const customer = randomUUID();
    const agent = estate.agent({ ...settings, WAYFARER_CUSTOMER_ID: customer });
    agent.start();
    expect((await agent.condition('CUSTOMER_UNKNOWN')).text).toContain(customer);
    await agent.logged(/provisioning failed: 403 CUSTOMER_UNKNOWN/);
    await agent.restart(settings);
    await estate.equal(agent);
    await agent.close();
  });

  it('R002 refuses a URL without TLS: as a flag with exit code 2, in agent.conf with a condition', async () => {
    const plain = 'http://127.0.0.1:9/CloudAgent/';
    const agent = estate.agent(settings);
    agent.start({}, ['--web-service-uri', plain]);
    expect(await agent.exited).toBe(2);
    expect(agent.stderr).toMatch(
      /--web-service-uri: http:\/\/ is refused: the platform is reached over https only/,
    );

    mkdirSync(dirname(agent.paths.settingsFile), { recursive: true });
    writeFileSync(agent.paths.settingsFile, `WebServiceUri=${plain}\n`);
    agent.start({ WAYFARER_WEB_SERVICE_URI: '' });
    const { text } = await agent.condition('CONFIG_INVALID');
    expect(text).toContain('https only');
    expect(text).toContain(agent.paths.settingsFile);
    await agent.logged(/condition CONFIG_INVALID: WebServiceUri/);
    expect((await shown(agent)).exit).toBe(6);

    writeFileSync(agent.paths.settingsFile, `WebServiceUri=${estate.platform.url}\n`);
    await agent.restart();
    await estate.equal(agent);
    await agent.close();
  });

  it('takes what changes in agent.conf while it runs, and never what it could not work with', async () => {
    const { WAYFARER_ACTIVATION_ID: good = '', ...others } = settings;
    const write = (...lines: string[]): void => {
      writeFileSync(agent.paths.settingsFile, lines.map((line) => `${line}\n`).join(''));
    };
    const agent = estate.agent(others);
    mkdirSync(dirname(agent.paths.settingsFile), { recursive: true });
    write('# to be filled in');
    agent.start();
    expect((await agent.condition('NOT_CONFIGURED')).text).toContain('ActivationId');
    const { pid } = agent;

    write(`ActivationId=${randomUUID()}`);
    await agent.condition('KEY_UNKNOWN');
    write(`ActivationId=${good}`);
    await estate.equal(agent);

    write('ActivationId=nonsense', 'Syslog=on');
    const { text } = await until('condition', async () =>
      (await agent.status()).conditions.find((one) => one.text.includes('"nonsense" is not a UUID')),
    );
    expect(text).toContain('the settings before stay in force');
    expect((await agent.status()).identity.activationId).toBe(good);

    write(`ActivationId=${good}`, 'MeteredUploadLimitMb=7');
    await agent.logged(/settings changed: MeteredUploadLimitMb/);
    await agent.over('CONFIG_IGNORED');
    estate.write('first', 'fourth');
    // Its endpoints are closed for a moment.
    await until('the agent, with other settings', async () => {
      await agent.cycle();
      return true;
    });
    expect(notesIn((await estate.equal(agent))['Inventory'])).toEqual(['first', 'fourth']);
    expect((await agent.status()).pid).toBe(pid);
    expect(agent.log().match(/settings changed/g)).toHaveLength(3);
    expect(agent.log()).not.toContain('Syslog');
    expect(await agent.end()).toBe(0);
    await agent.close();
  });

  it('R222 registers with no platform but the one whose key the administrator gave', async () => {
    const before = estate.platform.admin.agents().length;
    const agent = estate.agent({ ...settings, WAYFARER_PLATFORM_KEY: generateKeyPair().publicKey });
    agent.start();
    expect((await agent.condition('PLATFORM_KEY_MISMATCH')).text).toContain('PlatformKey');
    await agent.logged(/provisioning failed/);
    expect(agent.hostIdFile()).toBeUndefined();
    await agent.restart(settings);
    await estate.equal(agent);
    // The platform knew its proposal already when the agent refused the answer: it proposes the same again.
    expect(estate.platform.admin.agents()).toHaveLength(before + 1);
    await agent.close();
  });

  it('PLATFORM_TLS shows while the CA of the platform is not trusted', async () => {
    const before = estate.platform.admin.agents().length;
    const agent = estate.agent({ ...settings, WAYFARER_CA_FILE: '' });
    agent.start();
    expect((await agent.condition('PLATFORM_TLS')).text).toContain('CaFile');
    await agent.logged(/\[Error\].*Http request failed: .*(CERT|VERIFY|SELF_SIGNED)/);
    expect(estate.platform.admin.agents()).toHaveLength(before);
    await agent.restart(settings);
    await estate.equal(agent);
    await agent.close();
  });

  it('names a CA file that is not there', async () => {
    const agent = estate.agent({ ...settings, WAYFARER_CA_FILE: '/nonexistent/ca.pem' });
    agent.start();
    expect((await agent.condition('CONFIG_IGNORED')).text).toContain('/nonexistent/ca.pem');
    await agent.restart(settings);
    await estate.equal(agent);
    await agent.close();
  });

  it('names a CA file that is no PEM, and takes it without a restart once it is mended', async () => {
    const caFile = join(estate.scratch, 'ca.pem');
    writeFileSync(caFile, 'this is no certificate');
    const agent = estate.agent({ ...settings, WAYFARER_CA_FILE: caFile });
    agent.start();
    expect((await agent.condition('CONFIG_IGNORED')).text).toContain('holds no PEM certificate');
    await agent.condition('PLATFORM_TLS');
    copyFileSync(estate.platform.caFile, caFile);
    await estate.equal(agent);
    await agent.over('CONFIG_IGNORED');
    await agent.close();
  });
});

/** Internet sockets on which a process listens, as the kernel lists them (proc_pid_net(5)). */
function listeningSockets(pid: number): string[] {
  const inodes = new Set(
    execFileSync('find', [`/proc/${String(pid)}/fd`, '-lname', 'socket:*', '-printf', '%l\n'])
      .toString()
      .match(/\d+/g),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    execFileSync('cat', [`/proc/${String(pid)}/net/${table}`])
      .toString()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => (fields[3] === '0A' || table.startsWith('udp')) && inodes.has(fields[9] ?? ''))
      .map((fields) => fields[1] ?? ''),
  );
}
