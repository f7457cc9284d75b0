import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate, notesIn } from '../support/estate.ts';
import { until } from '../support/until.ts';

/*
 * What agent and platform hold of one host: first the whole, then the differences, equal after every one of them, and
 * equal again after either side's copy was changed, damaged or lost.
 */

describe('agent and platform in sync', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  let hostId = '';

  beforeAll(async () => {
    await estate.start();
    ({ agent, hostId } = await estate.syncedAgent());
  });
  afterAll(() => estate.close());

  /** Rows of both sides, the agent stopped for it. */
  async function expectSameRows(): Promise<void> {
    await estate.equal(agent);
    await agent.end();
    for (const type of ['Inventory', 'Vulnerability'] as const) {
      const here = agent.rows(type);
      expect(here.length).toBeGreaterThan(0);
      expect(here).toEqual(estate.rows(hostId, type));
    }
    agent.start();
    await agent.synced();
  }

  it('R090 R126 R219 provisions, fetches profile and manifests, collects, and both sides hold the same', async () => {
    const held = await estate.equal(agent);
    expect(notesIn(held['Inventory'])).toEqual(['first', 'second', 'third']);
    const log = agent.log();
    const steps = [
      /provisioned, activation "Test key"/,
      /profile "Default profile" version 1 in force/,
      /GET \S+\/manifests\/Inventory \S+ \S+, Http status code: 200/,
      /collection of Inventory started \(manifest\)/,
      /collection of Inventory complete/,
      /Inventory snapshot 1 committed/,
    ].map((step) => log.search(step));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps).not.toContain(-1);
    await expectSameRows();
  });

  it('R093 does not register again when it is started again', () => {
    expect(agent.log().match(/agent \S+ started/g)?.length).toBeGreaterThan(1);
    expect(agent.log().match(/POST v1\/provision /g)).toHaveLength(1);
  });

  it('R015 R016 keeps the Host ID that the platform confirmed in a file that everyone may read', async () => {
    expect(agent.hostIdFile()).toBe(`${hostId}\n`);
    expect(statSync(agent.paths.hostIdFile).mode & 0o777).toBe(0o644);
    expect((await agent.status()).identity.hostId).toBe(hostId);
  });

  it('R022 sends a snapshot first and the changed rows alone afterwards', async () => {
    const before = estate.commits(hostId, 'Inventory');
    expect(before[0]).toMatchObject({ kind: 'snapshot', seq: 1 });
    estate.write('first', 'second', 'fourth', 'fifth');
    await agent.cycle('Inventory');
    const commits = await estate.untilCommits(hostId, 'Inventory', (all) => all.length > before.length);
    expect(commits.slice(before.length)).toEqual([
      // The third line went, two came: every other row stayed where it was.
      { kind: 'delta', seq: (before.at(-1)?.seq ?? 0) + 1, changes: 3 },
    ]);
    expect(notesIn((await estate.equal(agent))['Inventory'])).toEqual(['fifth', 'first', 'fourth', 'second']);
  });

  it('commits a delta without rows when nothing changed, so that both sides know', async () => {
    const before = estate.commits(hostId, 'Vulnerability');
    const root = estate.platform.admin.show(hostId).types['Vulnerability']?.root;
    await agent.cycle('Vulnerability');
    const commits = await estate.untilCommits(hostId, 'Vulnerability', (all) => all.length > before.length);
    expect(commits.at(-1)).toEqual({ kind: 'delta', seq: (before.at(-1)?.seq ?? 0) + 1, changes: 0 });
    expect(estate.platform.admin.show(hostId).types['Vulnerability']?.root).toBe(root);
  });

  it('R008 keeps what was collected while the platform was away and delivers it once', async () => {
    await agent.synced();
    const before = estate.commits(hostId, 'Inventory');
    await estate.stop();
    estate.write('offline');
    await agent.cycle('Inventory');
    await until('pending upload', async () =>
      (await agent.status()).pendingUpload === null ? undefined : true,
    );
    // The delta outlives the process that made it.
    await agent.end('SIGKILL');
    agent.start();
    await until('agent up', () => agent.status());
    expect((await agent.status()).pendingUpload?.type).toBe('Inventory');
    await estate.start();
    const commits = await estate.untilCommits(hostId, 'Inventory', (all) => all.length > before.length);
    expect(notesIn((await estate.equal(agent))['Inventory'])).toEqual(['offline']);
    expect(commits.map((commit) => commit.seq)).toEqual(commits.map((_, at) => at + 1));
  });

  it('R221 R223 finds a row that changed on the platform, and both sides start over with a snapshot', async () => {
    await agent.end();
    await estate.stop();
    const changed = estate.withDatabase((db) => {
      const { id } = db
        .prepare<[], { id: number }>("SELECT id FROM snapshots WHERE type = 'Inventory'")
        .get() ?? {
        id: 0,
      };
      const key = db
        .prepare<[number], { key: string }>(
          "SELECT key FROM snapshot_items WHERE snapshot = ? AND row LIKE '%offline%'",
        )
        .get(id)?.key;
      db.prepare('DELETE FROM snapshot_items WHERE snapshot = ? AND key = ?').run(id, key);
      return db.prepare('UPDATE snapshots SET root = ? WHERE id = ?').run('0'.repeat(64), id).changes;
    });
    expect(changed).toBe(1);
    await estate.start();
    agent.start();
    estate.platform.admin.command(hostId, 'SYNC_CHECK');
    const resync = await agent.logged(/synchronising again: Inventory \(sync check found different roots\)/);
    expect(resync).not.toBeNull();
    await until('snapshot', () =>
      estate.commits(hostId, 'Inventory').at(-1)?.kind === 'snapshot' ? true : undefined,
    );
    expect(notesIn((await estate.equal(agent))['Inventory'])).toEqual(['offline']);
  });

  it('R220 R221 refuses to build on a platform copy that lost a row without a trace', async () => {
    await agent.end();
    await estate.stop();
    estate.withDatabase((db) =>
      db
        .prepare(
          `DELETE FROM snapshot_items WHERE row LIKE '%offline%'
             AND snapshot IN (SELECT id FROM snapshots WHERE type = 'Inventory')`,
        )
        .run(),
    );
    await estate.start();
    agent.start();
    await agent.synced();
    estate.write('offline', 'later');
    await agent.cycle('Inventory');
    await agent.logged(/synchronising again: Inventory \(roots differ\)/);
    expect(notesIn((await estate.equal(agent))['Inventory'])).toEqual(['later', 'offline']);
  });

  it('R221 finds a row that changed in its own copy, recomputing the root from the rows', async () => {
    await agent.end();
    const from = agent.log().length;
    agent.withDatabase((db) =>
      db
        .prepare("UPDATE snapshot_items SET row = '{}', hash = ? WHERE type = 'Vulnerability'")
        .run('1'.repeat(64)),
    );
    estate.platform.admin.command(hostId, 'SYNC_CHECK');
    agent.start();
    await agent.logged(/synchronising again: Vulnerability/, from);
    await expectSameRows();
  });

  it('collects everything again under the same Host ID when its database is gone', async () => {
    const agents = estate.platform.admin.agents().length;
    await agent.end();
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${agent.databaseFile}${suffix}`, { force: true });
    agent.start();
    await estate.equal(agent);
    expect((await agent.status()).identity.hostId).toBe(hostId);
    expect(estate.platform.admin.agents()).toHaveLength(agents);
    await expectSameRows();
  });

  it('puts a database that is garbage aside, says where, and goes on under the same Host ID', async () => {
    await agent.end();
    const garbage = Buffer.alloc(16_384, 'not a database ');
    writeFileSync(agent.databaseFile, garbage);
    agent.start();
    const condition = await agent.condition('STORE_QUARANTINED');
    const aside = /moved to (\S+?)\. /.exec(condition.text)?.[1] ?? '';
    expect(readFileSync(aside)).toEqual(garbage);
    expect(agent.log()).toMatch(/\[Warning\]:\[1\]:database damaged, moved to/);
    await estate.equal(agent);
    expect((await agent.status()).identity.hostId).toBe(hostId);
    expect(estate.platform.admin.agents()).toHaveLength(1);
  });

  it('R017 offers a Host ID that is there already, and the platform confirms it', async () => {
    await agent.end();
    // What a reinstall leaves: the Host ID alone. The old key was silent long enough for the platform to believe a new one.
    rmSync(agent.paths.dataDir, { recursive: true });
    estate.withDatabase((db) => db.prepare('UPDATE agents SET lastSeen = 0').run());
    agent.start();
    await estate.equal(agent);
    expect((await agent.status()).identity.hostId).toBe(hostId);
    expect(estate.platform.admin.activities(hostId, 1_000).map(({ detail }) => detail)).toContain(
      'registered again with a new agent key (reinstall)',
    );
    expect(estate.platform.admin.agents()).toHaveLength(1);
  });

  it('R222 obeys nothing of a platform that took the place of its own without its key', async () => {
    await agent.synced();
    await estate.stop();
    const port = Number(new URL((await agent.status()).platform.uri ?? '').port);
    const impostor = new Estate();
    try {
      await impostor.startAs(estate, port);
      const mismatch = await agent.condition('PLATFORM_KEY_MISMATCH');
      expect(mismatch.text).toMatch(/an administrator must set PlatformKey/);
      expect(agent.hostIdFile()).toBe(`${hostId}\n`);
      expect(impostor.platform.admin.agents()).toEqual([]);
    } finally {
      await impostor.close();
    }
    await estate.start();
    await agent.over('PLATFORM_KEY_MISMATCH');
    estate.write('after');
    await agent.cycle('Inventory');
    await until('delivered', () =>
      notesIn(estate.rows(hostId, 'Inventory')).join() === 'after' ? true : undefined,
    );
    await estate.equal(agent);
  });
});
