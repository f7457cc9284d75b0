import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';

/* `wayfarerctl prepare-image` and `uninstall` on what a real agent left, and what an agent makes of it afterwards. */

describe('taking the agent away from a host', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  let hostId = '';

  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { stdout, code, stderr } = await agent.ctl(...args, '--json');
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const id = async (): Promise<string> => (await agent.synced()).identity.hostId ?? '';

  beforeAll(async () => {
    await estate.start();
    ({ agent, hostId } = await estate.syncedAgent());
    mkdirSync(dirname(agent.paths.settingsFile), { recursive: true });
    writeFileSync(agent.paths.settingsFile, '# ours\nSyslog=off\n');
  });
  afterAll(() => estate.close());

  it('is refused with 3 while it runs, and with 2 without --yes; nothing is removed', async () => {
    for (const args of [['prepare-image'], ['uninstall', '--force', '--yes']]) {
      const { code, stderr } = await agent.ctl(...args);
      expect([code, stderr]).toEqual([3, expect.stringContaining(`in use by process ${String(agent.pid)}`)]);
    }
    expect((await agent.ctl('uninstall')).code).toBe(2);
    expect((await agent.status()).identity.hostId).toBe(hostId);
  });

  it('R098 R102 prepare-image leaves settings and no identity, and each clone registers as itself', async () => {
    await agent.end();
    const secret = join(agent.paths.secretsDir, 'proxy-credentials');
    writeFileSync(secret, 'sealed');
    const { removed, kept } = await json('prepare-image');
    expect(removed).toEqual(expect.arrayContaining([agent.paths.hostIdFile, agent.databaseFile]));
    expect(kept).toEqual(expect.arrayContaining([agent.paths.settingsFile, agent.paths.secretsDir]));
    expect(readdirSync(agent.paths.dataDir).filter((name) => !/^(lock\.db|owner)/.test(name))).toEqual([
      'secrets',
    ]);
    expect(readFileSync(secret, 'utf8')).toBe('sealed');
    expect(await json('prepare-image')).toMatchObject({ removed: [] });
    agent.start();
    const clone = await id();
    expect(clone).not.toBe(hostId);
    expect(estate.platform.admin.show(hostId).id).toBe(hostId);
    hostId = clone;
  });

  it('R235 uninstall tells the platform, removes data and logs and keeps the identity', async () => {
    await agent.end();
    const { goodbye, left } = await json('uninstall', '--yes');
    expect(goodbye).toEqual({ state: 'sent' });
    expect(left).toEqual([agent.paths.settingsFile, agent.paths.hostIdFile]);
    expect([agent.paths.dataDir, agent.paths.logFile].filter((path) => existsSync(path))).toEqual([]);
    expect(agent.hostIdFile()?.trim()).toBe(hostId);
    expect(
      estate.platform.store.agents.list().find((one) => one.id === hostId)?.uninstalledAt,
    ).not.toBeNull();
    expect((await agent.ctl('uninstall', '--yes')).code).toBe(5);
  });

  it('R238 uninstall --force forgets who the host was, and says where there was nothing to tell', async () => {
    mkdirSync(agent.paths.dataDir, { recursive: true });
    writeFileSync(agent.paths.settingsFile, `# ours\nCustomerId=${hostId}\nSyslog=off\n`);
    const { goodbye, left } = await json('uninstall', '--force', '--yes');
    expect(goodbye).toEqual({ state: 'not registered' });
    expect(left).toEqual([agent.paths.settingsFile]);
    expect(readFileSync(agent.paths.settingsFile, 'utf8')).toBe('# ours\nSyslog=off\n');
    expect(agent.hostIdFile()).toBeUndefined();
  });
});
