import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Health } from '../../src/main/health/health.ts';
import { ExitCode } from '../../src/shared/exit-codes.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { run, type Outcome } from '../support/run.ts';
import { until } from '../support/until.ts';

/* `wayfarerctl health` and `diagnostics` for a real agent, in good days and bad ones. */

const noUser = noLinuxRoot ?? noProgram('setpriv', 'util-linux');

const healthOf = ({ stdout }: Outcome): Health => JSON.parse(stdout) as Health;
const check = (health: Health, name: string) => health.checks.find((one) => one.name === name);

describe('the health of a real agent', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  beforeAll(async () => {
    await estate.start();
    ({ agent } = await estate.syncedAgent());
  });
  afterAll(() => estate.close());

  it('R286 is Good with exit code 0 where all is well, by the signed probe and the certificates', async () => {
    const outcome = await agent.ctl('health');
    expect(outcome.stdout).toMatch(/^Good\n/);
    expect(outcome.code).toBe(ExitCode.ok);
    const health = healthOf(await agent.ctl('health', '--json'));
    expect(check(health, 'connection')?.detail).toContain('signed by the pinned platform key');
    expect(check(health, 'TLS')?.detail).toContain('issued by');
    expect(health.checks.map((one) => one.name)).toEqual(
      expect.arrayContaining(['scan Inventory', 'log', 'service']),
    );
    expect(health.skipped).toEqual([]);
  });

  it('says that the service does not run, and still looks at the connection', async () => {
    await agent.end();
    const outcome = await agent.ctl('health', '--json');
    expect(outcome.code).toBe(ExitCode.notRunning);
    const health = healthOf(outcome);
    expect(health.nextStep).toBe('Run: systemctl start wayfarer-agent');
    expect(check(health, 'connection')?.state).toBe('good');
    expect(health.skipped.map((one) => one.name)).toContain('queue');
  });

  it('names a platform that is out of reach', async () => {
    agent.start();
    await agent.synced();
    const { port } = new URL(estate.platform.url);
    await estate.stop();
    const outcome = await agent.ctl('health', '--json');
    expect(outcome.code).toBe(ExitCode.failed);
    expect(check(healthOf(outcome), 'connection')).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('ECONNREFUSED') as string,
    });
    await estate.start({ port: Number(port) });
    await agent.synced();
  });

  it('tries every route, and wants a first proxy that does not work to be mended', async () => {
    const { proxy } = agent.paths;
    const [file = ''] = proxy.files;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'wayfarer_https_proxy=http://127.0.0.1:9\n');
    const outcome = await agent.ctl('health', '--json');
    rmSync(file);
    expect(outcome.code).toBe(ExitCode.failed);
    expect(check(healthOf(outcome), 'connection')).toMatchObject({
      state: 'attention',
      detail: expect.stringMatching(
        /proxy#1 http:\/\/127\.0\.0\.1:9 \(configured\) ECONNREFUSED.*; direct HTTP 204, signed/,
      ) as string,
    });
  });

  it('names a data directory that others can write', async () => {
    chmodSync(agent.paths.dataDir, 0o777);
    const outcome = await agent.ctl('health', '--json');
    chmodSync(agent.paths.dataDir, 0o700);
    expect(outcome.code).toBe(ExitCode.failed);
    expect(healthOf(outcome).nextStep).toBe(`Run: chmod go-w ${agent.paths.dataDir}`);
  });

  it('tells a host without an agent, and one that is not registered, apart by exit code', async () => {
    const settings = { ...estate.settings(), WAYFARER_ACTIVATION_ID: '00000000-0000-4000-8000-000000000000' };
    const stranger = estate.agent(settings);
    expect((await stranger.ctl('health')).code).toBe(ExitCode.notInstalled);
    stranger.start();
    await stranger.condition('KEY_UNKNOWN');
    const outcome = await stranger.ctl('health', '--json');
    expect(outcome.code).toBe(ExitCode.notProvisioned);
    expect(check(healthOf(outcome), 'registration')?.nextStep).toContain('ActivationId');
    await stranger.end();
  });

  describe('in an archive for support', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'wf-support-'));
      chmodSync(folder, 0o777);
    });
    afterAll(() => {
      rmSync(folder, { recursive: true, force: true });
    });

    async function unpacked(file: string): Promise<(name: string) => string> {
      const into = mkdtempSync(join(folder, 'into-'));
      expect((await run('tar', ['-xzf', file, '-C', into])).code).toBe(0);
      return (name) => readFileSync(join(into, 'wayfarer-diagnostics', name), 'utf8');
    }

    it('stands with status, log and settings, readable by its owner alone, and over nothing', async () => {
      // The proxy of a test before may have failed, and is not forgotten before the next connection.
      await until('good health', async () => {
        const { headline } = healthOf(await agent.ctl('health', '--json'));
        return headline === 'Good' ? true : undefined;
      });
      writeFileSync(agent.paths.settingsFile, 'Syslog=off\n# password=S3cr3t\n');
      const file = join(folder, 'a.tar.gz');
      const outcome = await agent.ctl('diagnostics', '--output', file);
      expect(outcome.stderr).toBe('');
      expect(outcome.code).toBe(ExitCode.ok);
      expect(outcome.stdout.split('\n')[0]).toBe(file);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const read = await unpacked(file);
      expect(read('settings/agent.conf')).toBe('Syslog=off\n# password=…\n');
      expect(read('log/wayfarer-agent.log')).toContain('Http request');
      expect(JSON.parse(read('health.json'))).toMatchObject({ headline: 'Good' });
      expect(JSON.parse(read('status.json'))).toMatchObject({ identity: { hostId: '…' } });
      const before = readFileSync(file);
      expect((await agent.ctl('diagnostics', '--output', file)).code).toBe(ExitCode.refused);
      expect(readFileSync(file)).toEqual(before);
    });

    it.skipIf(noUser !== undefined)(
      `R284 holds for an ordinary user what that user may read, and says what is missing${because(noUser)}`,
      async () => {
        chmodSync(agent.root, 0o755);
        const file = join(folder, 'b.tar.gz');
        const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
        const tool = [process.execPath, 'src/main/cli.ts', 'diagnostics', '--output', file];
        const outcome = await run('setpriv', [...nobody, ...tool], {
          ...process.env,
          WAYFARER_ROOT: agent.root,
        });
        expect(outcome.stderr).toBe('');
        expect(outcome.code).toBe(ExitCode.ok);
        expect(existsSync(file)).toBe(true);
        const read = await unpacked(file);
        expect(JSON.parse(read('manifest.json'))).toMatchObject({
          missing: [{ name: 'log/wayfarer-agent.log', reason: 'this user may not look into its folder' }],
        });
        expect(JSON.parse(read('status.json'))).toHaveProperty('phase');
        expect(JSON.parse(read('host.json'))).toMatchObject({ user: 'an ordinary user' });
      },
    );
  });
});
