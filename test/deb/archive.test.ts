import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Site } from '../support/site.ts';

/*
 * A real package of the archive, in the two versions that it holds: the one that Debian 12 came with has the flaw of a
 * shipped sample advisory, the one of the security archive has not. It is five kilobytes and needs nothing but libc6.
 */

const PACKAGE = 'rtpengine-iptables';
const CVE = 'CVE-2025-53399';
const VERSIONS = ['10.5.3.5-1', '10.5.3.5-1+deb12u1'] as const;

const scratch = mkdtempSync(join(tmpdir(), 'wf-archive-'));

/** Downloads both versions; `undefined` with the reason printed when the archive does not offer them. */
function download(): readonly string[] | undefined {
  try {
    const names = VERSIONS.map((version) => `${PACKAGE}=${version}`);
    execFileSync('apt-get', ['download', '-q', ...names], { cwd: scratch, stdio: 'pipe', timeout: 120_000 });
    const files = readdirSync(scratch);
    return VERSIONS.map((version) =>
      join(scratch, files.find((file) => file.includes(`_${version}_`)) ?? ''),
    );
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[1] ?? error.message) : String(error);
    process.stdout.write(`skipped: the archive does not offer both versions of ${PACKAGE}: ${reason}\n`);
    process.stdout.write('run "apt-get update" as root on Debian 12 to enable it\n');
    return undefined;
  }
}

const installed = (): boolean => existsSync(`/var/lib/dpkg/info/${PACKAGE}.list`);
const files = installed() ? undefined : download();
if (installed()) process.stdout.write(`skipped: ${PACKAGE} is installed here and is left alone\n`);

describe.skipIf(files === undefined)('a package of the archive that is older than an advisory', () => {
  const site = new Site();
  let hostId = '';

  const untilFinding = (status: string): Promise<string> =>
    site.until(`finding ${status}`, async () =>
      (await site.findings(hostId)).some((finding) => finding.status === status && finding.cves.includes(CVE))
        ? status
        : undefined,
    );
  const install = (at: number): void => {
    execFileSync('dpkg', ['--install', files?.[at] ?? ''], { stdio: 'ignore' });
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
});
