import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { because, noProgram, unless } from '../support/reason.ts';
import { until } from '../support/until.ts';

/* The module PM: which updates this host could have, as its own package manager sees it, on the platform. */

const listed = (): string[] => {
  const output = execFileSync('apt', ['list', '--upgradable'], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return [...output.matchAll(/^([^/\s]+)\/\S+ (\S+) \S+ \[upgradable/gm)]
    .map(([, name, version]) => `${String(name)} ${String(version)}`)
    .sort();
};

const noApt = noProgram('apt', 'apt');
const noUpdates =
  noApt ?? unless(listed().length > 0, 'package lists with an update', 'apt-get update && npm test');

describe('patch assessment', () => {
  const estate = new Estate();
  let agent: AgentProcess;
  let hostId: string;
  beforeAll(async () => {
    await estate.start();
    edit({ cpuThrottleMs: 0 });
    ({ agent, hostId } = await estate.syncedAgent(['AI', 'PM']));
  });
  afterAll(() => estate.close());

  const edit = (settings: { pmEnabled?: boolean; pmIntervalMin?: number; cpuThrottleMs?: number }): void => {
    const { admin } = estate.platform;
    admin.editProfile(admin.profiles().find((entry) => entry.isDefault)?.profile.id ?? '', { settings });
  };

  it.skipIf(noUpdates !== undefined)(
    `brings the updates that apt knows of to the platform, and installs none${because(noUpdates)}`,
    () => {
      const rows = estate
        .rows(hostId, 'PatchAssessment')
        .map(({ row }) => JSON.parse(row) as { package: string; candidateVersion: string; manager: string })
        .filter(({ manager }) => manager === 'apt');
      const found = rows.map((row) => `${row.package} ${row.candidateVersion}`).sort();
      expect(found).toEqual(listed());
    },
  );

  it('R171 is due again after the interval of its module, from four hours to thirty days', async () => {
    for (const pmIntervalMin of [240, 43_200]) {
      edit({ pmIntervalMin });
      const type = await until('the interval', async () => {
        const found = (await agent.status()).types.PatchAssessment;
        return found?.intervalMin === pmIntervalMin ? found : undefined;
      });
      const end = Math.max(Date.parse(type.uploadedAt ?? ''), Date.parse(type.processedAt ?? ''));
      expect(Date.parse(type.nextDueAt ?? '') - end).toBe(pmIntervalMin * 60_000);
    }
    expect(() => edit({ pmIntervalMin: 239 })).toThrow('240');
  });

  it('is not due while the profile switches it off', async () => {
    edit({ pmEnabled: false });
    await until('the switch', async () =>
      (await agent.status()).types.PatchAssessment?.nextDueAt === null ? true : undefined,
    );
    expect((await agent.status()).types.Inventory?.nextDueAt).not.toBeNull();
  });
});
