import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file } from '../../src/platform/manifests/tasks.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate, notesIn } from '../support/estate.ts';
import { because, noLinuxRoot } from '../support/reason.ts';
import { until } from '../support/until.ts';

/*
 * What goes wrong while an agent runs: documents, tables, the disk. Each gives a condition and a log line that name cause
 * and next step, and once the cause is gone everything is in sync, with nothing lost or doubled.
 */

describe('documents and tables that are not as they should be', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  let hostId = '';

  beforeAll(async () => {
    await estate.start();
    ({ agent, hostId } = await estate.syncedAgent());
  });
  afterAll(() => estate.close());

  it('keeps the last good manifest in force when a new one has a wrong schema', async () => {
    estate.issueManifest('Vulnerability', { type: 'Vulnerability', tasks: 'everything' });
    expect((await agent.condition('MANIFEST_INVALID')).text).toMatch(
      /Vulnerability manifest was refused: .*tasks/,
    );
    await agent.logged(/\[Error\].*Vulnerability manifest refused: .*wrong schema/);
    const before = estate.commits(hostId, 'Vulnerability').length;
    await agent.cycle('Vulnerability');
    await estate.untilCommits(hostId, 'Vulnerability', (commits) => commits.length > before);

    estate.issueManifest('Vulnerability', estate.manifest('Vulnerability'));
    await agent.over('MANIFEST_INVALID');
    await estate.equal(agent);
  });

  it('R021 R109 R216 collects by a new manifest as soon as a heartbeat has announced it', async () => {
    const before = estate.commits(hostId, 'Vulnerability').length;
    const { tasks } = estate.manifest('Vulnerability');
    estate.issueManifest('Vulnerability', {
      type: 'Vulnerability',
      tasks: [...tasks, file('hosts', '/etc/hosts')],
    });
    const commits = await estate.untilCommits(hostId, 'Vulnerability', (all) => all.length > before);
    expect(commits.at(-1)).toMatchObject({ kind: 'delta', changes: 1 });
    await estate.equal(agent);
  });

  it('clamps profile values out of range, says which, and keeps working', async () => {
    const entry = estate.platform.admin.profiles()[0];
    const [stored] = estate.platform.store.profiles.list(estate.platform.admin.init().customer.id);
    if (entry === undefined || stored === undefined) throw new Error('no default profile');
    // The editor refuses such values; a platform of another make may not.
    const put = (values: object): void => {
      estate.platform.store.profiles.put({ ...stored, profile: { ...stored.profile, ...values } });
    };
    put({ cpuThrottleMs: 5_000, chunkSizeKb: 1 });
    const { text } = await agent.condition('PROFILE_CLAMPED');
    expect(text).toContain('cpuThrottleMs 5000 → 1000');
    expect(text).toContain('chunkSizeKb 1 → 64');
    await agent.logged(
      /\[Warning\].*profile values out of range: chunkSizeKb 1 → 64, cpuThrottleMs 5000 → 1000/,
    );
    put({});
    await agent.over('PROFILE_CLAMPED');
    await estate.equal(agent);
  });

  it('R012 collects the rest when a table can not be read, and names the one', async () => {
    const pipe = join(estate.scratch, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const manifest = estate.manifest('Inventory');
    const broken = { id: 'pipe', table: 'config_line', params: { path: pipe, match: '.' } };
    estate.issueManifest('Inventory', { ...manifest, tasks: [...manifest.tasks, broken] });
    expect((await agent.condition('TABLE_ERRORS')).text).toContain('Inventory: config_line');
    await agent.logged(/\[Warning\].*Inventory: table config_line could not be read: .*not a regular file/);
    const held = await estate.equal(agent);
    expect(held['Inventory']?.filter(({ key }) => key.startsWith('users')).length).toBeGreaterThan(0);

    estate.write('fourth');
    estate.issueManifest('Inventory', manifest);
    await agent.over('TABLE_ERRORS');
    expect(notesIn((await estate.equal(agent))['Inventory'])).toEqual(['fourth']);
  });
});

describe.skipIf(noLinuxRoot !== undefined)(`a data directory without space${because(noLinuxRoot)}`, () => {
  const estate = new Estate();
  let agent: AgentProcess;
  const ballast = (): string => join(agent.paths.dataDir, 'ballast');

  beforeAll(async () => {
    await estate.start();
    agent = estate.agent();
    mkdirSync(agent.paths.dataDir, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=0700', 'wayfarer-test', agent.paths.dataDir]);
  });
  afterAll(async () => {
    await agent.end();
    execFileSync('umount', [agent.paths.dataDir]);
    await estate.close();
  });

  it('says so, keeps what it has, and goes on by itself once there is space', async () => {
    agent.start();
    await estate.equal(agent);
    const hostId = (await agent.status()).identity.hostId ?? '';
    const before = estate.commits(hostId, 'Inventory').length;
    // Rows that do not fit, and nothing else on the disk to give way.
    expect(() => {
      for (;;) writeFileSync(ballast(), Buffer.alloc(64 * 1024), { flag: 'a' });
    }).toThrow(/ENOSPC/);
    estate.write(...Array.from({ length: 1_000 }, (_, n) => `line ${String(n)} ${'x'.repeat(2_000)}`));
    await agent.cycle('Inventory');
    const { text } = await agent.condition('DISK_FULL');
    expect(text).toContain(agent.paths.dataDir);
    await agent.logged(/condition DISK_FULL: /);
    expect(estate.commits(hostId, 'Inventory')).toHaveLength(before);

    rmSync(ballast());
    estate.write('small again');
    await until(
      'sync after space',
      () => (notesIn(estate.rows(hostId, 'Inventory')).join() === 'small again' ? true : undefined),
      110_000,
    );
    await agent.over('DISK_FULL');
    await estate.equal(agent);
    expect((await agent.status()).identity.hostId).toBe(hostId);
  });
});
