import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesIn } from '../../src/collector/linux/tolerant.ts';
import { runCommand } from '../../src/collector/run.ts';
import type { ReadContext } from '../../src/collector/table.ts';
import { contextOn, rowsOf } from '../../src/collector/testing/host.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { because, noProgram, unless } from '../support/reason.ts';
import { until } from '../support/until.ts';

/* The module PM: which updates this host could have, as its own package manager sees it, on the platform. */

const lists = namesIn({ root: '/', os: 'linux' }, '/var/lib/apt/lists');
const noLists =
  noProgram('apt-cache', 'apt') ??
  unless(
    lists.some((name) => name.includes('_Packages')),
    'package lists',
    'apt-get update && npm test',
  );

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

  it.skipIf(noLists !== undefined)(
    `brings the updates of this host to the platform, and installs none${because(noLists)}`,
    async () => {
      const run: ReadContext['run'] = (file, args, limits) =>
        runCommand({ os: 'linux', signal: new AbortController().signal }, file, args, limits);
      const expected = (await rowsOf('available_updates', contextOn('/', { run }))).map(
        (row) => row['package'],
      );
      const rows = estate
        .rows(hostId, 'PatchAssessment')
        .map(({ row }) => JSON.parse(row) as { package: string });
      expect(rows.map((row) => row.package).sort()).toEqual(expected.sort());
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
