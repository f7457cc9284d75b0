import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExitCode } from '../../src/shared/exit-codes.ts';
import type { ManifestType } from '../../src/shared/modules.ts';
import type { DemandedScan } from '../../src/shared/scan.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { run, type Outcome } from '../support/run.ts';
import { until } from '../support/until.ts';

/* Scans that people, scripts and keys ask a real agent for, and every answer that it can give. */

const UUID = /^[0-9a-f-]{36}$/;
const noUser = noLinuxRoot ?? noProgram('setpriv', 'util-linux');

describe('a scan on demand of a real agent', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  let hostId: string;
  beforeAll(async () => {
    await estate.start();
    ({ agent, hostId } = await estate.syncedAgent(['AI', 'VM', 'PC']));
  });
  afterAll(() => estate.close());

  const suspend = async (suspendCollection: boolean): Promise<void> => {
    const { admin } = estate.platform;
    const id = admin.profiles().find((entry) => entry.isDefault)?.profile.id ?? '';
    admin.editProfile(id, { settings: { suspendCollection } });
    await until('the profile', async () =>
      (await agent.status()).profile.suspended === suspendCollection ? true : undefined,
    );
  };
  const demand = async (type: ManifestType): Promise<DemandedScan | null | undefined> =>
    (await agent.status()).types[type]?.demand;
  const ended = (type: ManifestType, controlId: string): Promise<DemandedScan> =>
    until(`the end of ${controlId}`, async () => {
      const found = await demand(type);
      return found?.controlId === controlId && found.state === 'done' ? found : undefined;
    });
  const refused = ({ code, stdout, stderr }: Outcome): [number | null, string] => {
    expect(stdout).toBe('');
    return [code, stderr];
  };

  it('R173 R319 is done with --wait once the platform has what changed', async () => {
    estate.write('first', 'second', 'on demand');
    const before = estate.commits(hostId, 'Inventory').length;
    const outcome = await agent.ctl('scan', 'inv', '--wait', '--json', '--cpu-limit', '100');
    expect(outcome.stderr).toBe('');
    expect(outcome.code).toBe(ExitCode.ok);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      controlId: expect.stringMatching(UUID) as string,
      type: 'Inventory',
      cpuLimitPct: 100,
      state: 'done',
      seconds: expect.any(Number) as number,
      reason: '',
    });
    expect(estate.commits(hostId, 'Inventory')).toHaveLength(before + 1);
    const text = await agent.ctl('scan', 'Vulnerability', '--wait');
    expect(text.stdout).toMatch(
      /^Scan of Vulnerability accepted: [0-9a-f-]{36}, at most 100 % .*\nDone in \d+ s/,
    );
  });

  it('R149 R186 R194 is one by cloudagentctl.sh, for vmpc one after the other, and both are shown', async () => {
    const { stdout, code } = await agent.dialect(
      'cloudagentctl',
      'action=demand',
      'type=vmpc',
      'cputhrottle=15',
    );
    expect(code).toBe(ExitCode.ok);
    const [vm = '', pc = '', ...more] = stdout.split('\n');
    expect([UUID.test(vm), UUID.test(pc), more]).toEqual([true, true, ['']]);
    const second = await ended('PolicyCompliance', pc);
    const first = await ended('Vulnerability', vm);
    expect([first.cpuLimitPct, second.cpuLimitPct]).toEqual([10, 10]);
    expect(Date.parse(second.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first.endedAt ?? ''));
    const shown = await agent.dialect('cloudagentctl', 'show', 'type=vmpc');
    expect(shown.stdout).toContain(`type: vm (Vulnerability)\ncontrol id: ${vm}\nstate: done\nrequested: 2`);
    expect(shown.stdout).toContain(`type: pc (PolicyCompliance)\ncontrol id: ${pc}\nstate: done\n`);
    const names = shown.stdout.split('\n').map((line) => line.split(': ')[0]);
    const all = ['type', 'control id', 'state', 'requested', 'started', 'ended', ''];
    expect(names).toEqual([...all, ...all]);
    const never = await agent.dialect('cloudagentctl', 'action=show', 'type=udc');
    expect(never.stdout).toBe('type: udc (UDC)\nstate: never asked for\n');
  });

  const last = async (): Promise<string> =>
    (await agent.dialect('wayfarer-agent-sh', 'status', 'some key')).stdout;
  const collected = async (type: ManifestType): Promise<string | null | undefined> =>
    (await agent.status()).types[type]?.collectedAt;

  it('R187 R190 R192 is one of vulnerabilities alone in the runbook, which moves the last assessment', async () => {
    const before = await last();
    const compliance = await collected('PolicyCompliance');
    expect(await agent.dialect('wayfarer-agent-sh', 'scan')).toEqual({
      stdout: 'Scan request submitted successfully\n',
      stderr: '',
      code: ExitCode.ok,
    });
    await ended('Vulnerability', (await demand('Vulnerability'))?.controlId ?? '');
    expect((await last()) > before).toBe(true);
    expect(await collected('PolicyCompliance')).toBe(compliance);
  });

  it('R188 R192 is one of every compliance type by policy_eval, and of no other', async () => {
    const before = [await collected('PolicyCompliance'), await collected('Vulnerability')];
    expect(await agent.dialect('wayfarer-agent-sh', 'policy_eval')).toEqual({
      stdout: 'Policy evaluation started\n',
      stderr: '',
      code: ExitCode.ok,
    });
    await ended('UDC', (await demand('UDC'))?.controlId ?? '');
    expect(await collected('PolicyCompliance')).not.toBe(before[0]);
    expect(await collected('Vulnerability')).toBe(before[1]);
  });

  it('R189 R190 R191 is what the last assessment was, whatever keys status is given', async () => {
    const shown = await last();
    expect(shown).toBe(`Last assessment: ${(await collected('UDC')) ?? ''}\n`);
    expect((await agent.dialect('wayfarer-agent-sh', 'status')).stdout).toBe(shown);
  });

  it('is a wrong call with exit code 2, and nothing is done', async () => {
    const before = await demand('Vulnerability');
    const calls = await Promise.all([
      agent.ctl('scan', 'vm', '--cpu-limit', '5', '--cpu-limit', '6'),
      agent.ctl('scan', 'fim'),
      agent.dialect('wayfarer-agent-sh', 'scan', 'policy_eval'),
    ]);
    expect(calls.map((call) => refused(call)[0])).toEqual(Array(3).fill(ExitCode.usage));
    expect(await demand('Vulnerability')).toEqual(before);
  });

  it('R174 is refused with the reason where its module is not active, half of vmpc included', async () => {
    expect(refused(await agent.ctl('scan', 'sca'))).toEqual([
      ExitCode.refused,
      'wayfarerctl: its module is not active on this host\n',
    ]);
    const json = await agent.ctl('scan', 'sca', '--json');
    expect([json.code, json.stderr]).toEqual([
      ExitCode.refused,
      'wayfarerctl: its module is not active on this host\n',
    ]);
    expect(JSON.parse(json.stdout)).toEqual({
      type: 'SCA',
      state: 'refused',
      code: 'MODULE_NOT_ACTIVE',
      exitCode: ExitCode.refused,
      reason: 'its module is not active on this host',
    });
    const plain = await estate.syncedAgent(['AI', 'VM']);
    const vmpc = await plain.agent.dialect('cloudagentctl', 'action=demand', 'type=vmpc');
    expect(refused(vmpc)).toEqual([
      ExitCode.refused,
      'cloudagentctl.sh: PolicyCompliance: its module is not active on this host\n',
    ]);
    expect((await plain.agent.status()).types.Vulnerability?.demand).toBeNull();
    await plain.agent.end();
  });

  it('R136 is refused while a profile suspends collection', async () => {
    await suspend(true);
    expect(refused(await agent.ctl('scan', 'vm'))).toEqual([
      ExitCode.refused,
      'wayfarerctl: collection is suspended by the configuration profile\n',
    ]);
    await suspend(false);
  });

  it('R175 is refused while another one runs; a wait that is too short ends with 8, the scan goes on', async () => {
    const { collector } = await agent.status();
    process.kill(collector.pid ?? 0, 'SIGSTOP');
    const wait = await agent.ctl('scan', 'vm', '--wait', '--timeout', '1', '--json');
    expect([wait.code, wait.stderr]).toEqual([ExitCode.timeout, expect.stringContaining('it goes on')]);
    expect(JSON.parse(wait.stdout)).toMatchObject({
      controlId: expect.stringMatching(UUID) as string,
      type: 'Vulnerability',
      state: 'unknown',
      exitCode: ExitCode.timeout,
    });
    expect(refused(await agent.ctl('scan', 'inv'))).toEqual([
      ExitCode.refused,
      'wayfarerctl: another collection is running; ask again when it is done\n',
    ]);
    process.kill(collector.pid ?? 0, 'SIGCONT');
    await ended('Vulnerability', (await demand('Vulnerability'))?.controlId ?? '');
  });

  it('R178 R181 begins by a key in a file, which says 2 until the platform has the result, and then 0', async () => {
    const place = join(agent.paths.scanKeys, 'Vulnerability', 'ScanOnDemand');
    mkdirSync(dirname(place));
    writeFileSync(join(dirname(place), 'CpuLimit'), '55\n');
    const { collector } = await agent.status();
    process.kill(collector.pid ?? 0, 'SIGSTOP');
    writeFileSync(place, '1\n');
    const holds = (text: string): Promise<true> =>
      until(`${place} at ${text}`, () => (readFileSync(place, 'utf8') === `${text}\n` ? true : undefined));
    await holds('2');
    process.kill(collector.pid ?? 0, 'SIGCONT');
    await holds('0');
    expect(await demand('Vulnerability')).toMatchObject({
      origin: 'ScanOnDemand',
      state: 'done',
      cpuLimitPct: 55,
    });
    writeFileSync(join(agent.paths.scanKeys, 'Vulnerability', 'CpuLimit'), 'all\n');
    const { text } = await agent.condition('SCAN_KEY_INVALID');
    expect(text).toContain('Vulnerability/CpuLimit: it does not hold a decimal number');
    rmSync(dirname(place), { recursive: true });
    await agent.over('SCAN_KEY_INVALID');
  });

  it('R182 R184 begins at every start of the service by ScanOnStartup', async () => {
    const place = join(agent.paths.scanKeys, 'UDC', 'ScanOnStartup');
    mkdirSync(dirname(place));
    writeFileSync(place, '1\n');
    const ids: string[] = [];
    for (let starts = 0; starts < 2; starts += 1) {
      await agent.restart();
      const found = await until('the startup scan', async () => {
        const scan = await demand('UDC');
        return scan?.origin === 'ScanOnStartup' && scan.state === 'done' && !ids.includes(scan.controlId)
          ? scan
          : undefined;
      });
      ids.push(found.controlId);
    }
    expect(readFileSync(place, 'utf8')).toBe('1\n');
    rmSync(dirname(place), { recursive: true });
  });

  it.skipIf(noUser !== undefined)(
    `R320 takes an ordinary user within the limit of the profile, and above it refuses with exit code 7${because(noUser)}`,
    async () => {
      const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
      const ctl = (...args: string[]): Promise<Outcome> =>
        run('setpriv', [...nobody, process.execPath, 'src/main/cli.ts', 'scan', ...args], {
          ...process.env,
          WAYFARER_ROOT: agent.root,
        });
      await run('chmod', ['755', agent.root]);
      const above = refused(await ctl('vm', '--cpu-limit', '100'));
      expect(above).toEqual([ExitCode.permission, expect.stringContaining('for administrators only')]);
      const within = await ctl('vm', '--wait', '--json');
      expect(within.stderr).toBe('');
      expect(JSON.parse(within.stdout)).toMatchObject({ state: 'done', cpuLimitPct: 10 });
    },
  );

  it('tells apart a host without an agent, one that is not registered, and an agent that is down', async () => {
    const settings = { ...estate.settings(), WAYFARER_ACTIVATION_ID: '00000000-0000-4000-8000-000000000000' };
    const stranger = estate.agent(settings);
    expect(refused(await stranger.ctl('scan', 'vm'))[0]).toBe(ExitCode.notInstalled);
    stranger.start();
    await stranger.condition('KEY_UNKNOWN');
    const both = await Promise.all([
      stranger.dialect('cloudagentctl', 'action=demand', 'type=vmpc'),
      stranger.dialect('wayfarer-agent-sh', 'policy_eval'),
    ]);
    expect(both.map((outcome) => refused(outcome)[0])).toEqual(Array(2).fill(ExitCode.notProvisioned));
    expect((await stranger.dialect('wayfarer-agent-sh', 'status')).stdout).toBe('Last assessment: never\n');
    await stranger.end();
    expect(refused(await stranger.dialect('wayfarer-agent-sh', 'scan'))[0]).toBe(ExitCode.notRunning);
  });
});
