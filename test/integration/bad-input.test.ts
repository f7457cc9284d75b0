import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file } from '../../src/platform/manifests/tasks.ts';
import { AgentStatus } from '../../src/shared/status.ts';
import { generateKeyPair } from '../../src/wire/keys.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate, notesIn } from '../support/estate.ts';
import { until } from '../support/until.ts';

/*
 * Wrong settings and bad days of the disk: each gives a condition and a log line that name cause and next step, and
 * once the cause is gone everything is in sync, with nothing lost or doubled.
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

  it('R222 registers with no platform but the one whose key the administrator gave', async () => {
    const before = estate.platform.admin.agents().length;
    const agent = estate.agent({ ...settings, WAYFARER_PLATFORM_KEY: generateKeyPair().publicKey });
    agent.start();
    expect((await agent.condition('PLATFORM_KEY_MISMATCH')).text).toContain('PlatformKey');
    await agent.logged(/provisioning failed/);
    expect(agent.hostIdFile()).toBeUndefined();
    await agent.restart(settings);
    await estate.equal(agent);
    // The platform had registered what the agent then refused: the Host ID that it took in the end is another one or the same, never two in use.
    const used = estate.platform.admin.agents().filter((one) => one.lastCheckedIn !== null);
    expect(used.length).toBe(before + 1);
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
    expect((await agent.condition('CONFIG_INVALID')).text).toContain('/nonexistent/ca.pem');
    await agent.restart(settings);
    await estate.equal(agent);
    await agent.close();
  });
});

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

const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

describe.skipIf(!mayMount)('a data directory without space (needs root to mount a small one)', () => {
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
