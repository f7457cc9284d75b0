import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { table } from '../../src/platform/manifests/tasks.ts';
import type { DemandedScan } from '../../src/shared/scan.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { Estate } from '../support/estate.ts';
import { because, noDpkg, unless } from '../support/reason.ts';
import { until } from '../support/until.ts';

/* From a scan that a person asks for to the finding that it brings, on this host's own packages. */

/** `Debian:12` for this host, `undefined` elsewhere: advisories of other systems go by other names. */
function debianRelease(): string | undefined {
  const text = noDpkg === undefined ? readFileSync('/etc/os-release', 'utf8') : '';
  const version = /^VERSION_ID="?(\d+)"?$/m.exec(text)?.[1];
  return /^ID=debian$/m.test(text) && version !== undefined ? `Debian:${version}` : undefined;
}
const release = debianRelease();
const noDebian = noDpkg ?? unless(release !== undefined, 'Debian', 'npm test, on Debian');

describe.skipIf(noDebian !== undefined)(`findings of a scan on demand${because(noDebian)}`, () => {
  const estate = new Estate({ vulnerability: [table('deb')] });
  let agent: AgentProcess;
  let hostId: string;

  beforeAll(async () => {
    const advisoriesDir = join(estate.scratch, 'advisories');
    mkdirSync(advisoriesDir);
    const everyDpkg = {
      id: 'TEST-DPKG',
      modified: '2026-01-01T00:00:00Z',
      affected: [
        {
          package: { ecosystem: release, name: 'dpkg' },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '999' }] }],
        },
      ],
    };
    writeFileSync(join(advisoriesDir, 'one.json'), JSON.stringify(everyDpkg));
    await estate.start({ advisoriesDir });
    // The first scan is hours away, so that what is found can only come from the one that is asked for.
    const { admin } = estate.platform;
    const id = admin.profiles().find((entry) => entry.isDefault)?.profile.id ?? '';
    admin.editProfile(id, { settings: { scanDelayMin: 720, cpuThrottleMs: 0 } });
    agent = estate.agent(estate.settings(['AI', 'VM']));
    agent.start();
    const status = await until('the manifest', async () => {
      const found = await agent.status();
      return found.types.Vulnerability?.manifestVersion === 1 ? found : undefined;
    });
    hostId = status.identity.hostId ?? '';
  });
  afterAll(() => estate.close());

  it('R195 show on the platform well within 15 minutes: as soon as it has processed the upload', async () => {
    expect(estate.platform.admin.findings(hostId)).toEqual([]);
    const { stdout, stderr } = await agent.ctl('scan', 'vm', '--wait', '--json');
    expect(stderr).toBe('');
    const scan = JSON.parse(stdout) as DemandedScan;
    expect(scan.state).toBe('done');
    await estate.platform.processed();
    const [finding, ...more] = estate.platform.admin.findings(hostId);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      advisory: 'TEST-DPKG',
      package: 'dpkg',
      status: 'open',
      installedVersion: execFileSync('dpkg-query', ['-W', '-f', '${Version}', 'dpkg'], { encoding: 'utf8' }),
    });
    const elapsedMs = (finding?.firstSeen ?? 0) - Date.parse(scan.requestedAt);
    expect(elapsedMs).toBeGreaterThan(0);
    expect(elapsedMs).toBeLessThan(15 * 60_000);
  });
});
