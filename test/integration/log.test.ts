import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExitCode } from '../../src/shared/exit-codes.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';

/* The log of a real agent: a disk that refuses it, levels for a while, the way to syslog and to the platform. */

const MB = 1024 * 1024;
const noSyslog = noLinuxRoot ?? noProgram('logger', 'bsdutils') ?? noProgram('python3', 'python3');

describe('the log of an agent', () => {
  let estate: Estate;
  let agent: AgentProcess;
  beforeEach(async () => {
    estate = new Estate();
    await estate.start();
    agent = estate.agent();
  });
  afterEach(() => estate.close());

  /** Puts a small filesystem where the log stands, and takes it away again, whatever happens. */
  async function onSmallDisk(work: (folder: string) => Promise<void>): Promise<void> {
    const folder = dirname(agent.paths.logFile);
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=750', 'tmpfs', folder]);
    try {
      await work(folder);
    } finally {
      await agent.end();
      execFileSync('umount', ['--lazy', folder]);
    }
  }

  const lost = /\[Warning\]:\[1\]:(\d+) lines before this one could not be written/;
  const whole = (): boolean =>
    agent
      .log()
      .split('\n')
      .slice(0, -1)
      .every((line) => /^\d{4}-\d\d-\d\d .* \[wayfarer-agent\]\[\d+\]:\[\w+\]:\[1\]:/.test(line));

  it.skipIf(noLinuxRoot !== undefined)(
    `on a full disk stops nothing, is missed by a condition, and comes back whole${because(noLinuxRoot)}`,
    () =>
      onSmallDisk(async (folder) => {
        agent.start();
        await agent.synced();
        const fill = (): void => {
          writeFileSync(join(folder, 'filler'), Buffer.alloc(2 * MB));
        };
        expect(fill).toThrow('ENOSPC');
        // What is left of the last page holds some lines more.
        const shown = await until('condition LOG_UNWRITABLE', async () => {
          await agent.cycle();
          return (await agent.status()).conditions.find(({ code }) => code === 'LOG_UNWRITABLE');
        });
        expect(shown).toMatchObject({ severity: 'warning', stopsUploads: false });
        expect(shown.text).toContain(agent.paths.logFile);
        expect(shown.text).toContain('ENOSPC');
        estate.write('one', 'two');
        await agent.cycle();
        await estate.equal(agent);
        const health = await agent.ctl('health', '--json');
        expect(health.code).toBe(ExitCode.failed);
        expect(JSON.parse(health.stdout)).toMatchObject({
          headline: 'Needs attention',
          nextStep: expect.stringContaining('Free space') as string,
        });
        rmSync(join(folder, 'filler'));
        await agent.over('LOG_UNWRITABLE');
        expect(Number((await agent.logged(lost))[1])).toBeGreaterThan(0);
        expect(whole()).toBe(true);
      }),
  );

  it.skipIf(noLinuxRoot !== undefined)(
    `in a read-only directory stops nothing either, from the first line on${because(noLinuxRoot)}`,
    () =>
      onSmallDisk(async (folder) => {
        execFileSync('mount', ['-o', 'remount,ro', folder]);
        agent.start();
        await agent.synced();
        expect((await agent.condition('LOG_UNWRITABLE')).text).toContain('EROFS');
        expect(agent.stderr.match(/can't be written: EROFS/g)).toHaveLength(1);
        execFileSync('mount', ['-o', 'remount,rw', folder]);
        await agent.over('LOG_UNWRITABLE');
        await agent.logged(lost);
      }),
  );

  it('R151 holds what the profile says, and what the platform asked for until its end, through a restart', async () => {
    agent.start();
    const { identity } = await agent.synced();
    const hostId = identity.hostId ?? '';
    const { admin } = estate.platform;
    const level = (wanted: string) =>
      until(`level ${wanted}`, async () => {
        const { log } = await agent.status();
        return log.level === wanted ? log : undefined;
      });
    const profile = admin.profiles().find((entry) => entry.isDefault)?.profile.id ?? '';
    admin.editProfile(profile, { settings: { logLevel: 'warn' } });
    expect((await level('warn')).until).toBeNull();
    const end = new Date(Date.now() + 12_000).toISOString();
    admin.command(hostId, 'SET_LOG_LEVEL', { level: 'debug', until: end });
    expect((await level('debug')).until).toBe(end);
    await agent.restart();
    expect((await level('debug')).until).toBe(end);
    expect((await level('warn')).until).toBeNull();
    const after = agent.log().length;
    const beat = (await agent.status()).lastCheckIn;
    await until('two heartbeats', async () => {
      const { lastCheckIn } = await agent.status();
      return lastCheckIn !== null && Date.parse(lastCheckIn) > Date.parse(beat ?? '') + 1_500
        ? true
        : undefined;
    });
    expect(agent.log().slice(after)).not.toMatch(/\[(Information|Debug)\]/);
  });

  it('R285 shows on a terminal what operators look for: starts, exchanges, uploads, and errors alone', async () => {
    agent.start();
    await agent.synced();
    const shown = (await agent.ctl('logs', '--lines', '1000')).stdout;
    for (const text of [
      /agent \S+ started/,
      /Http request: .*Http status code: 20\d/,
      /snapshot 1 committed/,
    ]) {
      expect(shown).toMatch(text);
    }
    expect((await agent.ctl('logs', '--lines', '1')).stdout.split('\n')).toHaveLength(2);
    expect((await agent.ctl('logs', '--level', 'error')).stdout).not.toContain('[Information]');
    const none = await estate.agent().ctl('logs');
    expect([none.code, none.stderr]).toEqual([ExitCode.failed, expect.stringContaining('no log yet')]);
  });

  it('reaches the platform on COLLECT_LOGS as an archive that gives nothing away', async () => {
    agent.start();
    const { identity } = await agent.synced();
    const hostId = identity.hostId ?? '';
    const { admin } = estate.platform;
    const id = admin.command(hostId, 'COLLECT_LOGS')?.id ?? '';
    const { result, detail } = await until('acknowledgement', () =>
      admin.show(hostId).commands.find((one) => one.id === id && one.acknowledgedAt !== null),
    );
    expect([result, detail]).toEqual(['DONE', expect.stringMatching(/bytes, upload/)]);
    const into = mkdtempSync(join(tmpdir(), 'wf-logs-'));
    try {
      const tool = [
        'src/platform/cli.ts',
        '--data',
        estate.dataDir,
        '--json',
        'logs',
        hostId,
        '--output',
        into,
      ];
      const { stdout } = await run(process.execPath, tool);
      const [file = ''] = JSON.parse(stdout) as string[];
      expect(statSync(file).mode & 0o777).toBe(0o600);
      execFileSync('tar', ['-xzf', file, '-C', into]);
      const read = (name: string): string => readFileSync(join(into, 'wayfarer-diagnostics', name), 'utf8');
      expect(read('log/wayfarer-agent.log')).toContain('Http request: POST v1/agents/…/status');
      expect(JSON.parse(read('status.json'))).toMatchObject({
        identity: { hostId: '…', hostname: identity.hostname },
      });
      expect(JSON.parse(read('health.json'))).toHaveProperty('headline');
      const everything = execFileSync('tar', ['-xzOf', file], { encoding: 'utf8' });
      expect(everything).not.toContain(hostId);
      expect(everything).not.toContain(identity.activationId);
    } finally {
      rmSync(into, { recursive: true, force: true });
    }
  });

  it.skipIf(noSyslog !== undefined)(`goes to syslog, too, where Syslog=on${because(noSyslog)}`, async () => {
    mkdirSync(dirname(agent.paths.syslogSocket), { recursive: true });
    const listen =
      'import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nwhile True: print(s.recv(65536).decode(), flush=True)';
    const receiver = spawn('python3', ['-c', listen, agent.paths.syslogSocket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let received = '';
    receiver.stdout.on('data', (text: Buffer) => (received += text.toString()));
    try {
      await until('the receiver', () => statSync(agent.paths.syslogSocket));
      agent.start({ WAYFARER_SYSLOG: 'on' });
      await agent.synced();
      const line = new RegExp(
        `^<30>.* wayfarer-agent\\[${String(agent.pid)}\\]: Http request: POST v1/provision`,
        'm',
      );
      await until('the line', () => line.exec(received) ?? undefined);
      await agent.end();
      await until('the last line', () => /: agent ended$/m.exec(received) ?? undefined);
    } finally {
      receiver.kill('SIGKILL');
    }
  });
});
