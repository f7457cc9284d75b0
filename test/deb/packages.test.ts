import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Site } from '../support/site.ts';

/*
 * A package of our own through the real dpkg database while the agent watches it, up to the platform and its findings.
 * Needs root; `npm test` skips this suite without it and says so.
 */

const NAME = 'wayfarer-test-package';
const ADVISORY = 'TEST-2026-0001';

const scratch = mkdtempSync(join(tmpdir(), 'wf-deb-'));

/** Builds a .deb without dependencies; its source package has another name, as matching must use that. */
function buildPackage(version: string): string {
  const tree = join(scratch, version);
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'usr/share', NAME), { recursive: true });
  writeFileSync(join(tree, 'usr/share', NAME, 'version'), `${version}\n`);
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    [
      `Package: ${NAME}`,
      'Source: wayfarer-test-source',
      `Version: ${version}`,
      'Architecture: all',
      'Maintainer: Nobody <nobody@example.com>',
      'Description: exists for a test and does nothing',
      '',
    ].join('\n'),
  );
  const file = join(scratch, `${version}.deb`);
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', tree, file], { stdio: 'ignore' });
  return file;
}

const install = (file: string): void => {
  execFileSync('dpkg', ['--install', file], { stdio: 'ignore' });
};
const remove = (): void => {
  execFileSync('dpkg', ['--purge', NAME], { stdio: 'ignore' });
};

/** Packages as dpkg itself counts them. */
const dpkgCount = (): number => execFileSync('dpkg-query', ['-W']).toString().trimEnd().split('\n').length;

function writeAdvisory(): string {
  const directory = join(scratch, 'advisories');
  mkdirSync(directory);
  writeFileSync(
    join(directory, `${ADVISORY}.json`),
    JSON.stringify({
      schema_version: '1.6.0',
      id: ADVISORY,
      modified: '2026-01-01T00:00:00Z',
      published: '2026-01-01T00:00:00Z',
      aliases: ['CVE-2026-99999'],
      summary: 'A flaw that exists for this test',
      affected: [
        {
          package: { ecosystem: 'Debian:12', name: 'wayfarer-test-source' },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1.1-1' }] }],
        },
      ],
    }),
  );
  return directory;
}

describe('a package that is installed, upgraded and removed while the agent runs', () => {
  const site = new Site();
  let hostId = '';
  let before = 0;

  /** Rows of `deb` on the platform once there are that many. */
  const untilRows = (count: number): Promise<number> =>
    site.until(`${String(count)} deb rows on the platform`, async () => {
      const rows = (await site.show(hostId)).types['Inventory']?.tables['deb'];
      return rows === count ? rows : undefined;
    });
  const untilFinding = (status: string): Promise<string> =>
    site.until(`finding ${status}`, async () =>
      (await site.findings(hostId)).some(
        (finding) => finding.status === status && finding.cves.includes('CVE-2026-99999'),
      )
        ? status
        : undefined,
    );

  beforeAll(async () => {
    if (existsSync(`/usr/share/${NAME}`)) remove();
    await site.startPlatform('--advisories', writeAdvisory());
    site.startAgent();
    const status = await site.untilSynced();
    hostId = status.identity.hostId ?? '';
    before = dpkgCount();
  });

  afterAll(async () => {
    if (existsSync(`/usr/share/${NAME}`)) remove();
    await site.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('R033 has as many rows in deb as dpkg-query -W lists', async () => {
    expect(await untilRows(before)).toBe(dpkgCount());
  });

  it('R026 R028 sends one added row, and the old version becomes a finding', async () => {
    install(buildPackage('1.0-1'));
    await untilRows(before + 1);
    expect(await untilFinding('open')).toBe('open');
    // Inventory also sees processes come and go on a busy machine; Vulnerability holds packages alone.
    expect(site.log()).toMatch(/Vulnerability delta 2 committed: 1 set, 0 deleted/);
  });

  it('R218 closes the finding when the package is upgraded to the fixed version', async () => {
    install(buildPackage('1.1-1'));
    expect(await untilFinding('fixed')).toBe('fixed');
    expect((await site.show(hostId)).types['Inventory']?.tables['deb']).toBe(before + 1);
  });

  it('opens the same finding again when the package is downgraded', async () => {
    install(buildPackage('1.0-1'));
    expect(await untilFinding('reopened')).toBe('reopened');
    expect(
      (await site.findings(hostId)).filter((finding) => finding.cves.includes('CVE-2026-99999')),
    ).toHaveLength(1);
  });

  it('R317 sends one deleted row when it is removed', async () => {
    remove();
    await untilRows(before);
    await site.until('the deletion in the log', () =>
      Promise.resolve(
        /Vulnerability delta \d+ committed: 0 set, 1 deleted/.test(site.log()) ? true : undefined,
      ),
    );
    const state = (await site.show(hostId)).types['Vulnerability'];
    expect((await site.status()).types.Vulnerability?.root).toBe(state?.root);
  });
});
