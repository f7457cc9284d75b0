import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY_SEPARATOR } from '../../src/shared/rows.ts';
import { itemHash, rootOf, tableOfKey } from '../../src/wire/item.ts';
import { MainJob, resultOf, type MainJobResult } from '../support/main-job.ts';
import { because, noDpkg } from '../support/reason.ts';
import { run } from '../support/run.ts';

/*
 * What a newcomer runs: `npm start`, on this machine's real data. Once to the first sync, then again as the staying
 * form that Ctrl-C ends.
 */

/** Packages as dpkg lists them, without those that other tests install and remove meanwhile. */
function packageList(): string[] {
  if (noDpkg !== undefined) return [];
  const listed = execFileSync('dpkg-query', [
    '-W',
    '-f',
    '${Package} ${Version} ${Architecture}\n',
  ]).toString();
  return listed.trimEnd().split('\n').filter(isOfHost).sort();
}
const isOfHost = (line: string): boolean => !line.startsWith('wayfarer-');

describe('npm start', () => {
  const job = new MainJob();
  let first: MainJobResult;
  let second: MainJobResult;
  let again: { code: number | null; stderr: string };
  let left: number[];

  beforeAll(async () => {
    const once = await job.spawn('npm', ['start', '--silent', '--', '--once', '--json']).ended;
    expect(once.code, once.stderr).toBe(0);
    first = resultOf(once);
    const staying = job.spawn(process.execPath, ['scripts/start.mjs', '--json'], (line) => {
      if (line.startsWith('{')) staying.interrupt();
    });
    const ended = await staying.ended;
    second = resultOf(ended);
    again = ended;
    left = job.processes();
  }, 180_000);
  afterAll(() => {
    job.close();
  });

  it('R018 ends with exit code 0 and one object that says what both sides hold', () => {
    expect(Object.keys(first.types).sort()).toEqual(
      ['AutoDiscovery', 'Inventory', 'MiddlewarePC', 'PolicyCompliance', 'UDC', 'Vulnerability'].sort(),
    );
    for (const { root, platformRoot, seq } of Object.values(first.types)) {
      expect(root).toBe(platformRoot);
      expect(seq).toBe(1);
    }
    for (const table of ['os_version', 'system_info', 'cpu', 'memory', 'processes', 'users']) {
      expect(first.tables[table], table).toBeGreaterThan(0);
    }
  });

  it.skipIf(noDpkg !== undefined)(
    `R033 collects the packages that dpkg-query lists${because(noDpkg)}`,
    () => {
      const rows = job.agentRows('Inventory').filter(({ key }) => tableOfKey(key) === 'deb');
      expect(second.tables['deb']).toBe(rows.length);
      const collected = rows.map(({ row }) => {
        const { name, version, arch } = JSON.parse(row) as Record<string, string>;
        return `${name ?? ''} ${version ?? ''} ${arch ?? ''}`;
      });
      expect(collected.filter(isOfHost).sort()).toEqual(packageList());
    },
  );

  it('R013 R015 R325 keeps the Host ID in its file, through the next start', () => {
    expect(readFileSync(job.paths.hostIdFile, 'utf8')).toBe(`${first.hostId}\n`);
    expect(statSync(job.paths.hostIdFile).mode & 0o777).toBe(0o644);
    expect(second.hostId).toBe(first.hostId);
  });

  it('R022 R317 goes on where it was: one delta per type, without rows where nothing changed', () => {
    expect(Object.keys(second.types)).toEqual(Object.keys(first.types));
    for (const { seq, root, platformRoot } of Object.values(second.types)) {
      expect(seq).toBe(2);
      expect(root).toBe(platformRoot);
    }
    expect(job.commits('Vulnerability').map(({ kind }) => kind)).toEqual(['snapshot', 'delta']);
    const changed = job.changedKeys('Vulnerability').map((key) => key.slice(key.indexOf(KEY_SEPARATOR) + 1));
    expect(changed.filter(isOfHost)).toEqual([]);
    expect(second.upload.rawBytes).toBeLessThan(first.upload.rawBytes / 2);
  });

  it('R219 R220 holds the same rows on both sides, and they give the root', () => {
    for (const [type, { root, rows }] of Object.entries(second.types)) {
      const here = job.agentRows(type);
      expect(here).toHaveLength(rows);
      expect(here).toEqual(job.platformRows(type));
      expect(rootOf(here.map(({ key, row }) => itemHash(key, row)))).toBe(root);
    }
  });

  it('ends both cleanly on Ctrl-C: exit code 0, and no process is left', () => {
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('agent and platform have ended');
    expect(left).toEqual([]);
    expect(readFileSync(job.paths.logFile, 'utf8').trimEnd()).toMatch(/agent ended$/);
  });

  it('R329 wayfarerctl tells a stopped agent from one that is not installed', async () => {
    const stopped = await run('bin/wayfarerctl', ['status'], job.environment);
    expect(stopped.code).toBe(4);
    const none = await run('bin/wayfarerctl', ['status'], {
      ...job.environment,
      WAYFARER_ROOT: `${job.root}/none`,
    });
    expect(none.code).toBe(5);
  });
});
