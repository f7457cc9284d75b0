import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { table } from '../../src/platform/manifests/tasks.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { because, noDpkg } from '../support/reason.ts';
import { until } from '../support/until.ts';

/* A scan of a real collector whose agent is killed in the middle. */

describe.skipIf(noDpkg !== undefined)(`a scan whose agent is killed${because(noDpkg)}`, () => {
  // Packages take seconds at this pace, and processes are looked at twice, ten seconds apart.
  const estate = new Estate({ vulnerability: [table('deb'), table('groups'), table('processes')] });
  let agent: AgentProcess;
  beforeAll(async () => {
    await estate.start();
    const { admin } = estate.platform;
    const id = admin.profiles().find((entry) => entry.isDefault)?.profile.id ?? '';
    admin.editProfile(id, { settings: { cpuThrottleMs: 1000 } });
    agent = estate.agent();
    agent.start();
  });
  afterAll(() => estate.close());

  it('goes on with the tasks that are left, and both sides hold the same in the end', async () => {
    await until('the tasks before the slow one', async () => {
      const { busy } = await agent.status();
      return busy?.type === 'Vulnerability' && busy.tasksDone === 4 ? true : undefined;
    });
    await agent.end('SIGKILL');
    const killed = agent.log().length;
    agent.start();
    const [, kept = ''] = await agent.logged(
      /collection of Vulnerability started .*, (\d) of 5 tasks are kept/,
      killed,
    );
    expect(Number(kept)).toBeGreaterThanOrEqual(3);
    const rows = await estate.equal(agent);
    const tables = new Set((rows['Vulnerability'] ?? []).map(({ key }) => key.split('\u001f')[0]));
    for (const name of ['deb', 'groups', 'os_version', 'processes']) expect(tables, name).toContain(name);
  });
});
