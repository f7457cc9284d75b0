import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StatusReply } from '../shared/wire.ts';
import { itemsOf, type PlatformClient } from '../../test/support/platform-client.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';
import { loadAdvisories } from './correlation/advisories.ts';
import { OsvRecord } from './correlation/osv.ts';
import { openStore } from './store/store.ts';
import { SAMPLE_ADVISORIES } from './paths.ts';

let fixture: PlatformFixture;
let advisoriesDir: string;
let client: PlatformClient;

const advisory = (changes: Readonly<Record<string, unknown>> = {}) => ({
  id: 'TEST-1',
  modified: '2026-01-01T00:00:00Z',
  aliases: ['CVE-2026-0001'],
  summary: 'A weakness',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
  affected: [
    {
      package: { ecosystem: 'Debian:12', name: 'tool-src' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.0-1' }] }],
    },
  ],
  ...changes,
});
const writeAdvisory = (name: string, value: unknown) => {
  writeFileSync(join(advisoriesDir, name), typeof value === 'string' ? value : JSON.stringify(value));
};
const host = (version: string, status = 'installed') =>
  itemsOf([
    ['os_version', 'os', { id: 'debian', version: '12' }],
    [
      'deb',
      'tool:amd64',
      { name: 'tool', version: '9', arch: 'amd64', source: 'tool-src', sourceVersion: version, status },
    ],
  ]);
const findings = () => fixture.platform.admin.findings(client.agentId);
const scan = async (...row: Parameters<typeof host>) => {
  expect((await client.upload('Vulnerability', host(...row))).status).toBe(200);
  await fixture.platform.processed();
  return findings();
};

beforeEach(async () => {
  advisoriesDir = mkdtempSync(join(tmpdir(), 'wayfarer-advisories-'));
  writeAdvisory('one.json', advisory());
  fixture = new PlatformFixture();
  await fixture.start({ advisoriesDir });
  client = await fixture.agent(['AI', 'VM'], ['Office']);
});
afterEach(async () => {
  await fixture.dispose();
  rmSync(advisoriesDir, { recursive: true, force: true });
});

describe('findings', () => {
  it('R025 R028 R218 appear with score, tags and the version to install once an affected package is uploaded', async () => {
    expect(await scan('1.0-1')).toMatchObject([
      {
        advisory: 'TEST-1',
        package: 'tool-src',
        status: 'open',
        certainty: 'confirmed',
        installedVersion: '1.0-1',
        fixedVersion: '2.0-1',
        severity: 'critical',
        score: 9.8,
        cves: ['CVE-2026-0001'],
        tags: ['Cloud Agent', 'Office'],
        firstSeen: fixture.time,
      },
    ]);
  });

  it('close when the package is upgraded and reopen in the same record', async () => {
    const firstSeen = fixture.time;
    await scan('1.0-1');
    fixture.advance(100);
    expect(await scan('2.0-1')).toMatchObject([
      { status: 'fixed', firstSeen, lastSeen: firstSeen, fixedAt: fixture.time },
    ]);
    fixture.advance(100);
    expect(await scan('1.9-1')).toMatchObject([
      { status: 'reopened', firstSeen, lastSeen: fixture.time, fixedAt: null, installedVersion: '1.9-1' },
    ]);
  });

  it('close when the package is removed, its configuration files left behind', async () => {
    await scan('1.0-1');
    expect(await scan('1.0-1', 'config-files')).toMatchObject([{ status: 'fixed' }]);
  });

  it('stay as they are while the package table could not be read', async () => {
    await scan('1.0-1');
    const unread = itemsOf([
      ['collection_errors', 'deb', { table: 'deb', task: 'deb', reason: 'no permission' }],
    ]);
    await client.upload('Vulnerability', unread);
    await fixture.platform.processed();
    expect(findings()).toMatchObject([{ status: 'open' }]);
  });

  it('R032 are potential while the package is not completely installed', async () => {
    expect(await scan('1.0-1', 'half-configured')).toMatchObject([{ certainty: 'potential' }]);
    expect(await scan('1.0-1')).toMatchObject([{ certainty: 'confirmed' }]);
  });

  it('follow the advisories after a restart, without a new upload', async () => {
    await scan('1.0-1');
    writeAdvisory('two.json', advisory({ id: 'TEST-2' }));
    writeAdvisory('one.json', advisory({ withdrawn: '2026-02-01T00:00:00Z' }));
    await fixture.stop();
    await fixture.start();
    await fixture.platform.processed();
    expect(findings().map((one) => [one.advisory, one.status])).toEqual([
      ['TEST-2', 'open'],
      ['TEST-1', 'fixed'],
    ]);
  });

  it('name an advisory file that is not a record, and go on', async () => {
    writeAdvisory('bad.json', '{"id":');
    mkdirSync(join(advisoriesDir, 'deep'));
    writeAdvisory('deep/shape.json', { id: 7 });
    await fixture.stop();
    await fixture.start();
    expect(fixture.platform.advisories.count).toBe(1);
    expect(fixture.platform.advisories.skipped.map((one) => one.file.slice(advisoriesDir.length))).toEqual([
      '/bad.json',
      '/deep/shape.json',
    ]);
    expect(fixture.logged.filter((line) => line.includes('left out'))).toHaveLength(2);
  });
});

describe('processing', () => {
  it('R023 begins after the commit, not with the chunks, and is reported by the heartbeat', async () => {
    const { request, raw } = client.changesTo('Vulnerability', host('1.0-1'), 'snapshot');
    const { describe: described } = await import('../../test/support/platform-client.ts');
    const opened = await client.open({ ...described(raw), ...request, encoding: 'identity' });
    const { uploadId } = opened.body as { uploadId: string };
    await client.chunk(uploadId, 0, raw);
    await fixture.platform.processed();
    expect(findings()).toEqual([]);
    fixture.advance(60);
    await client.commit(uploadId);
    await fixture.platform.processed();
    expect(findings()).toHaveLength(1);
    const reply = StatusReply.parse((await client.heartbeat()).body);
    expect(reply.processed).toEqual({ Vulnerability: { seq: 1, at: new Date(fixture.time).toISOString() } });
  });

  it('R023 is taken up at start when the platform was killed between commit and processing', async () => {
    await scan('1.0-1');
    await fixture.stop();
    // What a kill right after the commit leaves: the snapshot without its mark, nothing derived from it.
    const store = openStore(fixture.dataDir);
    const head = store.snapshots.head(client.agentId, 'Vulnerability');
    store.snapshots.commit(head?.id ?? 0, 2, head?.root ?? '', fixture.time);
    store.close();
    fixture.advance(60);
    await fixture.start();
    await fixture.platform.processed();
    expect(findings()).toMatchObject([{ lastSeen: fixture.time }]);
    expect(fixture.platform.store.snapshots.head(client.agentId, 'Vulnerability')).toMatchObject({
      seq: 2,
      processedSeq: 2,
      processedAt: fixture.time,
    });
  });

  it('R122 R123 records "Inventory Scan Complete" and "Scan Complete" once each', async () => {
    await client.upload('Inventory', host('1.0-1'));
    await client.upload('Vulnerability', host('1.0-1'));
    await fixture.platform.processed();
    await fixture.stop();
    await fixture.start();
    await fixture.platform.processed();
    const activities = fixture.platform.admin.activities(client.agentId).map((one) => one.activity);
    expect(activities.sort()).toEqual(['Inventory Scan Complete', 'Provisioned', 'Scan Complete']);
  });

  it('lists the open ones first, the worst of them at the top', async () => {
    await fixture.stop();
    const rated = (id: string, severity: string) =>
      advisory({ id, severity: [], database_specific: { severity } });
    for (const [n, word] of ['low', 'nonsense', 'critical', 'medium', 'high'].entries()) {
      writeAdvisory(`rated-${n}.json`, rated(`RATED-${n}`, word));
    }
    writeAdvisory('one.json', rated('TEST-1', 'none'));
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    const found = await scan('1.0-1');
    expect(found.map((one) => one.severity)).toEqual([
      'critical',
      'high',
      'medium',
      'low',
      'none',
      'unknown',
    ]);
  });

  it('goes on with other hosts after a failure, and tries again a minute later', async () => {
    const inDatabase = (sql: string): void => {
      const db = new Database(join(fixture.dataDir, 'platform.db'));
      db.prepare(sql).run();
      db.close();
    };
    await scan('1.0-1');
    inDatabase("UPDATE snapshot_items SET row = '{' || row WHERE key LIKE 'deb%'");
    inDatabase('UPDATE snapshots SET processedSeq = NULL');
    const other = await fixture.agent(['AI', 'VM']);
    await other.upload('Vulnerability', host('1.0-1'));
    await fixture.platform.processed();
    expect(fixture.platform.admin.findings(other.agentId)).toHaveLength(1);
    expect(fixture.logged.filter((line) => line.includes('processing Vulnerability failed'))).toHaveLength(1);
    inDatabase("UPDATE snapshot_items SET row = substr(row, 2) WHERE row LIKE '{{%'");
    const processedSeq = () =>
      fixture.platform.admin.show(client.agentId).types['Vulnerability']?.processedSeq;
    fixture.advance(59);
    await fixture.platform.processed();
    expect(processedSeq()).toBeNull();
    fixture.advance(1);
    await fixture.platform.processed();
    expect(processedSeq()).toBe(1);
  });
});

describe('the sample advisories', () => {
  const { count, skipped } = loadAdvisories(SAMPLE_ADVISORIES);

  it('are all valid, and at least two dozen', () => {
    expect(skipped).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(24);
    expect(count).toBe(readdirSync(join(SAMPLE_ADVISORIES, 'debian-12')).length);
  });

  it('are validated by a schema that refuses a range without a beginning', () => {
    const affected = [
      {
        package: { ecosystem: 'Debian:12', name: 'x' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ fixed: '1' }] }],
      },
    ];
    expect(OsvRecord.safeParse(advisory({ affected })).success).toBe(false);
  });
});
