import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExitCode } from '../../src/shared/exit-codes.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';

/* `wayfarerctl provision` on a host whose agent knows no platform yet, against a real one. */

describe('wayfarerctl provision', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  let settings: Record<string, string>;
  beforeAll(async () => {
    await estate.start();
    settings = estate.settings();
    agent = estate.agent({});
    agent.start();
    await agent.condition('NOT_CONFIGURED');
  });
  afterAll(() => estate.close());

  const options = (activationId: string | undefined): string[] => [
    ...['--customer-id', settings['WAYFARER_CUSTOMER_ID'] ?? ''],
    ...['--activation-id', activationId ?? ''],
    ...['--web-service-uri', settings['WAYFARER_WEB_SERVICE_URI'] ?? ''],
    ...['--platform-key', settings['WAYFARER_PLATFORM_KEY'] ?? ''],
    ...['--ca-file', settings['WAYFARER_CA_FILE'] ?? ''],
  ];

  it('ends with 6 and the reason where the platform refuses the key', async () => {
    const { code, stdout, stderr } = await agent.ctl('provision', ...options(randomUUID()), '--wait', '60');
    expect(stderr).toMatch(/^wayfarerctl: not registered: .*; next attempt 2/);
    expect([code, stdout]).toEqual([ExitCode.notProvisioned, '']);
    expect(agent.hostIdFile()).toBeUndefined();
    expect(estate.platform.admin.agents()).toEqual([]);
  });

  it('R092 registers with the right one, which the running agent follows, and says as whom', async () => {
    const key = settings['WAYFARER_ACTIVATION_ID'];
    const { code, stdout, stderr } = await agent.ctl('provision', ...options(key), '--wait', '--json');
    expect([code, stderr]).toEqual([ExitCode.ok, '']);
    const { state, hostId } = JSON.parse(stdout) as { state: string; hostId: string };
    expect(state).toBe('registered');
    expect(agent.hostIdFile()).toBe(`${hostId}\n`);
    expect(estate.platform.admin.agents().map(({ id }) => id)).toEqual([hostId]);
    expect(readFileSync(agent.paths.settingsFile, 'utf8')).toContain(`ActivationId=${key ?? ''}\n`);
    await estate.equal(agent);
  });

  it('without settings says that this host is registered already', async () => {
    const { code, stdout } = await agent.ctl('provision');
    expect([code, stdout]).toEqual([ExitCode.ok, 'this host is registered already\n']);
  });
});
