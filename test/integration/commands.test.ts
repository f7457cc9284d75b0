import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate, notesIn } from '../support/estate.ts';
import { until } from '../support/until.ts';

/*
 * Commands that an administrator gives on the platform, carried out by a real agent: what they do, and that each is
 * acknowledged once.
 */

describe('commands of the platform', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  let hostId = '';

  /** Gives a command and waits for its acknowledgement. */
  async function command(type: string, args: Record<string, unknown> = {}) {
    const id = estate.platform.admin.command(hostId, type, args)?.id ?? '';
    return acknowledged(id);
  }

  const acknowledged = (id: string) =>
    until('acknowledgement', () =>
      estate.platform.admin.show(hostId).commands.find((one) => one.id === id && one.acknowledgedAt !== null),
    );

  /** Acknowledgement records of a command that the platform was sent. */
  const acknowledgements = (id: string): number =>
    estate.withDatabase(
      (db) =>
        db
          .prepare<[string, string], { n: number }>(
            "SELECT count(*) AS n FROM records WHERE agent = ? AND json_extract(record, '$.commandId') = ?",
          )
          .get(hostId, id)?.n ?? 0,
    );

  beforeAll(async () => {
    await estate.start();
    ({ agent, hostId } = await estate.syncedAgent());
  });
  afterAll(() => estate.close());

  it('R113 RESYNC drops what is held of one type and brings a whole snapshot again', async () => {
    const before = estate.commits(hostId, 'Vulnerability').length;
    const others = estate.commits(hostId, 'Inventory').length;
    const { result, id } = await command('RESYNC', { types: ['Vulnerability'] });
    expect(result).toBe('DONE');
    const commits = await estate.untilCommits(hostId, 'Vulnerability', (all) => all.length > before);
    expect(commits.slice(before).map((commit) => commit.kind)).toEqual(['snapshot']);
    await estate.equal(agent);
    expect(estate.commits(hostId, 'Inventory')).toHaveLength(others);
    expect(acknowledgements(id)).toBe(1);
  });

  it('R113 R223 SYNC_CHECK compares both sides and, where they are equal, sends nothing anew', async () => {
    const before = estate.platform.admin.commits(hostId).length;
    const from = agent.log().length;
    const { result } = await command('SYNC_CHECK');
    expect(result).toBe('DONE');
    await agent.logged(/POST \S+\/sync-check via direct, Http status code: 200/, from);
    expect(estate.platform.admin.commits(hostId)).toHaveLength(before);
  });

  it('R114 R216 ACTIVATE brings manifests and data of the module', async () => {
    expect((await command('ACTIVATE', { module: 'PC' })).result).toBe('DONE');
    await until('PC data', async () => ((await agent.status()).types.UDC?.seq === 1 ? true : undefined));
    const held = await estate.equal(agent);
    expect(Object.keys(held).sort()).toEqual(
      ['AutoDiscovery', 'Inventory', 'MiddlewarePC', 'PolicyCompliance', 'UDC', 'Vulnerability'].sort(),
    );
    expect(notesIn(held['UDC'])).toEqual(['first', 'second', 'third']);
  });

  it('R114 R314 DEACTIVATE makes the agent drop what it held of the module', async () => {
    expect((await command('DEACTIVATE', { module: 'PC' })).result).toBe('DONE');
    await until('types gone', async () =>
      Object.keys((await agent.status()).types).length === 2 ? true : undefined,
    );
    await agent.end();
    expect(agent.rows('UDC')).toEqual([]);
    expect(agent.rows('PolicyCompliance')).toEqual([]);
    expect(agent.rows('Vulnerability')).not.toEqual([]);
    agent.start();
    await estate.equal(agent);
  });

  it('R057 R058 a key edited for its present agents, too, changes their modules at the next check-in', async () => {
    const key = estate.platform.store.agents.get(hostId)?.activationKey ?? '';
    estate.platform.admin.editKey(key, { modules: ['AI', 'VM', 'PC'] });
    expect(estate.platform.admin.show(hostId).modules).toEqual(['AI', 'VM']);
    estate.platform.admin.editKey(key, { modules: ['AI', 'VM', 'PC'], applyToAgents: true });
    await until('UDC data', () => (notesIn(estate.rows(hostId, 'UDC')).length === 3 ? true : undefined));
    await estate.equal(agent);
  });

  it('R173 SCAN_NOW scans a type, and its acknowledgement names the reason where it does not', async () => {
    const before = estate.commits(hostId, 'Vulnerability').length;
    const { result, id } = await command('SCAN_NOW', { type: 'Vulnerability' });
    expect(result).toBe('DONE');
    expect(acknowledgements(id)).toBe(1);
    await estate.untilCommits(hostId, 'Vulnerability', (commits) => commits.length > before);
    expect((await agent.status()).types.Vulnerability?.demand).toMatchObject({
      controlId: id,
      origin: 'platform',
    });
    expect(await command('SCAN_NOW', { type: 'SCA' })).toMatchObject({ result: 'REFUSED' });
    await agent.logged(/scan of SCA refused \(platform\): its module is not active/);
    await estate.equal(agent);
  });

  it('R111 an announced agent version arrives, and this build says that it does not fetch it', async () => {
    expect(await command('UPGRADE', { version: '9.9.9' })).toMatchObject({
      args: { version: '9.9.9' },
      result: 'UNSUPPORTED',
    });
    await agent.logged(/command UPGRADE: UNSUPPORTED, this build of the agent cannot replace itself/);
    await estate.equal(agent);
  });

  it('refuses a command with arguments that make no sense, and says why', async () => {
    const { result, detail } = await command('RESYNC', { types: ['FIM'] });
    expect(result).toBe('REFUSED');
    expect(detail).toContain('args.types');
  });

  it('R118 R122 R123 leaves its activities on the platform', () => {
    const activities = new Set(
      estate.platform.admin.activities(hostId, 1_000).map(({ activity }) => activity),
    );
    expect([...activities].sort()).toEqual([
      'Configuration Downloaded',
      'Inventory Scan Complete',
      'Manifest Downloaded',
      'Provisioned',
      'Scan Complete',
    ]);
  });

  it('R125 has a line in its log for each of those activities, and each happened once', async () => {
    await estate.equal(agent);
    const log = agent.log();
    const lines = (pattern: RegExp): number => log.match(pattern)?.length ?? 0;
    const told = await until('all activities', async () => {
      if ((await agent.status()).queue.records > 0) return undefined;
      const all = estate.platform.admin.activities(hostId, 1_000).map(({ activity }) => activity);
      return (wanted: string): number => all.filter((activity) => activity === wanted).length;
    });
    expect(told('Provisioned')).toBe(lines(/provisioned, activation/g));
    expect(told('Configuration Downloaded')).toBe(
      lines(/GET \S+\/config via direct, Http status code: 200/g),
    );
    expect(told('Manifest Downloaded')).toBe(
      lines(/GET \S+\/manifests\/\w+ via direct, Http status code: 200/g),
    );
    expect(told('Inventory Scan Complete')).toBe(lines(/Inventory (snapshot|delta) \d+ committed/g));
    expect(told('Scan Complete')).toBe(lines(/(?<!Inventory) (snapshot|delta) \d+ committed/g));
  });

  it('carries out and acknowledges a command that was given while the agent was killed', async () => {
    const { id } = estate.platform.admin.command(hostId, 'RESYNC', { types: ['UDC'] }) ?? { id: '' };
    await agent.end('SIGKILL');
    agent.start();
    await acknowledged(id);
    await estate.equal(agent);
    expect(acknowledgements(id)).toBe(1);
  });

  it('R096 R104 R112 REPROVISION makes a new Host ID and a new key and leaves the old record behind', async () => {
    const before = await agent.status();
    const old = estate.platform.store.agents.get(hostId);
    const { id } = estate.platform.admin.command(hostId, 'REPROVISION') ?? { id: '' };
    await until('new Host ID', async () => {
      const { identity } = await agent.status();
      return identity.hostId !== null && identity.hostId !== hostId ? true : undefined;
    });
    await estate.equal(agent);
    const after = await agent.status();
    expect(after.identity.agentKeyId).not.toBe(before.identity.agentKeyId);
    expect(agent.hostIdFile()?.trim()).toBe(after.identity.hostId);
    const left = estate.platform.store.agents.get(hostId);
    expect(left?.publicKey).toBe(old?.publicKey);
    expect(left?.lastCheckedIn).toBeGreaterThanOrEqual(old?.lastCheckedIn ?? Infinity);
    expect(estate.platform.admin.agents()).toHaveLength(2);
    expect(estate.platform.admin.show(hostId).commands.find((one) => one.id === id)?.result).toBe('DONE');
    expect(acknowledgements(id)).toBe(1);
  });

  it('R115 R116 UNINSTALL is acknowledged at the next check-in, and then the agent is silent', async () => {
    const { agent: leaving, hostId: id } = await estate.syncedAgent();
    const given = estate.platform.admin.command(id, 'UNINSTALL')?.id ?? '';
    await leaving.condition('UNINSTALLED');
    expect(estate.platform.admin.show(id).commands.find((one) => one.id === given)?.result).toBe('DONE');
    const requests = (): number => leaving.log().match(/Http request/g)?.length ?? 0;
    const before = requests();
    // Not even a start makes it speak again.
    await leaving.restart();
    await leaving.condition('UNINSTALLED');
    expect((await leaving.status()).nextCheckIn).toBeNull();
    await leaving.end();
    expect(requests()).toBe(before);
    expect(leaving.rows('Inventory')).toEqual([]);
    expect(leaving.hostIdFile()?.trim()).toBe(id);
  });
});
