import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate, notesIn } from '../support/estate.ts';
import { until } from '../support/until.ts';

/*
 * A host that was copied with everything its agent keeps, and both copies run. On one machine their hardware
 * fingerprints are equal, so that only the forked heartbeat counter gives them away.
 */

describe('two copies of one agent', () => {
  const estate = new Estate();
  let agents: [AgentProcess, AgentProcess];
  let hostId = '';

  const ids = async (): Promise<(string | null)[]> =>
    Promise.all(agents.map(async (agent) => (await agent.status()).identity.hostId));
  const renewals = (agent: AgentProcess): number =>
    agent.log().match(/taking a new Host ID and a new key/g)?.length ?? 0;

  beforeAll(async () => {
    await estate.start();
    const settings = estate.settings();
    const original = estate.agent(settings);
    original.start();
    hostId = (await original.synced()).identity.hostId ?? '';
    await original.end();
    const root = mkdtempSync(join(tmpdir(), 'wf-'));
    execFileSync('cp', ['-a', `${original.root}/.`, root]);
    agents = [original, estate.agent(settings, root)];
    for (const agent of agents) agent.start();
  });
  afterAll(() => estate.close());

  it('R095 R096 R097 are told apart: exactly one takes a new Host ID and a new key', async () => {
    const found = await until('two Host IDs', async () => {
      const now = await ids();
      return now.every((id) => id !== null) && now[0] !== now[1] ? now : undefined;
    });
    expect(found).toContain(hostId);
    expect(agents.map(renewals).sort()).toEqual([0, 1]);
    expect(agents.map((agent) => agent.hostIdFile()?.trim())).toEqual(found);
    expect(
      estate.platform.admin
        .agents()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...found].sort());
    const keys = await Promise.all(agents.map(async (agent) => (await agent.status()).identity.agentKeyId));
    expect(new Set(keys).size).toBe(2);
  });

  it('R097 both end in sync and stay two', async () => {
    for (const agent of agents) await estate.equal(agent);
    estate.write('seen by both');
    for (const agent of agents) await agent.cycle();
    for (const id of await ids()) {
      await until('change on the platform', () =>
        notesIn(estate.rows(id ?? '', 'Inventory')).join() === 'seen by both' ? true : undefined,
      );
    }
    for (const agent of agents) await estate.equal(agent);
    expect(agents.map(renewals).sort()).toEqual([0, 1]);
    expect(estate.platform.admin.agents()).toHaveLength(2);
  });

  it('the record of the original keeps its id and its history', () => {
    expect(estate.platform.admin.show(hostId).id).toBe(hostId);
    expect(estate.commits(hostId, 'Inventory')[0]).toMatchObject({ kind: 'snapshot', seq: 1 });
  });
});
