import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';
import { judge } from './checks.ts';
import { gatherHealth } from './gather.ts';
import type { HealthInput } from './input.ts';

describe('what health is judged by', () => {
  let root: string;
  let paths: Paths;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'wayfarer-gather-'));
    paths = resolvePaths('linux', root, {});
    mkdirSync(paths.dataDir, { recursive: true });
    mkdirSync(dirname(paths.settingsFile), { recursive: true });
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const gather = (): Promise<HealthInput> =>
    gatherHealth({
      paths,
      platform: 'linux',
      environment: {},
      now: () => 0,
      ask: () => Promise.resolve({ answers: false, why: 'not running', reason: 'nobody listens' }),
      reach: () => Promise.resolve({ tried: false, reason: 'no network in this test' }),
    });

  it('R153 does not try the platform in a blackout', async () => {
    const blackout = { active: true, until: '2026-11-20T18:00:00Z', next: null };
    const found = await gatherHealth({
      paths,
      platform: 'linux',
      environment: {},
      now: () => 0,
      ask: () => Promise.resolve({ answers: true, status: { ...STATUS, blackout } }),
      reach: () => Promise.reject(new Error('it was tried')),
    });
    expect(found.connectivity).toMatchObject({
      tried: false,
      reason: expect.stringContaining('2026-11-20T18:00:00Z') as string,
    });
  });

  it.each([
    [
      'a link',
      'is a symbolic link',
      (file: string) => {
        symlinkSync('/etc/hostname', file);
      },
    ],
    ['a directory', 'is not a regular file', (file: string) => mkdirSync(file)],
    [
      'too large',
      'is larger than',
      (file: string) => {
        writeFileSync(file, Buffer.alloc(100_000, '#'));
      },
    ],
  ] as const)(
    'names settings that are %s, and goes on to look at everything else',
    async (_, reason, make) => {
      make(paths.settingsFile);
      const found = judge(await gather());
      expect(found.checks.find(({ name }) => name === 'settings')).toMatchObject({
        state: 'bad',
        detail: expect.stringContaining(reason) as string,
      });
      expect(found.checks.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['installation', 'service', 'disk space', 'log']),
      );
    },
  );
});
