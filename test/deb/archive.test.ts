import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, unless, type Reason } from '../support/reason.ts';
import { Site } from '../support/site.ts';

/*
 * A real package of the archive, in the two versions that it holds: the one that Debian 12 came with has the flaw of a
 * shipped sample advisory, the one of the security archive has not. It is five kilobytes and needs nothing but libc6.
 */

const PACKAGE = 'rtpengine-iptables';
const CVE = 'CVE-2025-53399';
const VERSIONS = ['10.5.3.5-1', '10.5.3.5-1+deb12u1'] as const;

const scratch = mkdtempSync(join(tmpdir(), 'wf-archive-'));

const installed = (): boolean => existsSync(`/var/lib/dpkg/info/${PACKAGE}.list`);

/** Both versions as files, or why they can't be had. */
function download(): { readonly files: readonly string[]; readonly reason: Reason } {
  try {
    const names = VERSIONS.map((version) => `${PACKAGE}=${version}`);
    execFileSync('apt-get', ['download', '-q', ...names], { cwd: scratch, stdio: 'pipe', timeout: 120_000 });
    const all = readdirSync(scratch);
    const files = VERSIONS.flatMap((version) => all.filter((file) => file.includes(`_${version}_`)));
    return { files: files.map((file) => join(scratch, file)), reason: undefined };
  } catch (error) {
    const said = error instanceof Error ? (error.message.split('\n')[1] ?? error.message) : String(error);
    const needs = `both versions of ${PACKAGE}, which the archive does not offer here: ${said.slice(0, 200)}`;
    return {
      files: [],
      reason: unless(false, needs, 'apt-get update && npm test -- --suite deb, on Debian 12'),
    };
  }
}

const foreign = unless(
  !installed(),
  `a host without ${PACKAGE}, which is left alone here`,
  `apt-get purge ${PACKAGE} && npm test -- --suite deb`,
);
const { files, reason } = foreign === undefined ? download() : { files: [], reason: foreign };

describe.skipIf(reason !== undefined)(
  `a package of the archive that is older than an advisory${because(reason)}`,
  () => {
    const site = new Site();
    let hostId = '';

    const untilFinding = (status: string): Promise<string> =>
      site.until(`finding ${status}`, async () =>
        (await site.findings(hostId)).some(
          (finding) => finding.status === status && finding.cves.includes(CVE),
        )
          ? status
          : undefined,
      );
    const install = (at: number): void => {
      execFileSync('dpkg', ['--install', files[at] ?? ''], { stdio: 'ignore' });
    };

    beforeAll(async () => {
      await site.startPlatform();
      site.startAgent();
      hostId = (await site.untilSynced()).identity.hostId ?? '';
    });

    afterAll(async () => {
      if (installed()) execFileSync('dpkg', ['--purge', PACKAGE], { stdio: 'ignore' });
      await site.close();
      rmSync(scratch, { recursive: true, force: true });
    });

    it('has no finding before it is installed', async () => {
      expect((await site.findings(hostId)).filter((finding) => finding.cves.includes(CVE))).toEqual([]);
    });

    it('R028 R218 becomes a finding by its source package', async () => {
      install(0);
      expect(await untilFinding('open')).toBe('open');
      const [finding] = (await site.findings(hostId)).filter((one) => one.cves.includes(CVE));
      expect(finding?.package).toBe('rtpengine');
    });

    it('R218 closes the finding when the security archive has upgraded it', async () => {
      install(1);
      expect(await untilFinding('fixed')).toBe('fixed');
    });
  },
);
