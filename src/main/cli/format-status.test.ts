import { describe, expect, it } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import type { AgentStatus, SensorStatus } from '../../shared/status.ts';
import { formatStatus } from './format-status.ts';
import { ago, ahead, bytes } from './units.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const shown = (change: Partial<AgentStatus> = {}): string => formatStatus({ ...STATUS, ...change }, NOW);
/** What stands behind a name. */
const value = (text: string, name: string): string | undefined =>
  new RegExp(`^${name} {2,}(.*)$`, 'm').exec(text)?.[1];

describe('the status in words', () => {
  it('says who the host is, what the agent does, and when it does it next', () => {
    const text = shown();
    expect(text.split('\n').slice(0, 2)).toEqual([
      'Wayfarer agent 0.1.0, process 412',
      '  Up to date: 1500 rows of 2 manifests are in sync.',
    ]);
    expect(value(text, 'Host ID')).toBe('0f8fad5b-d9cb-469f-a165-70867728950e');
    expect(value(text, 'Platform')).toBe('https://platform.example.com/CloudAgent/, direct');
    expect(value(text, 'Last check-in')).toBe('10 min ago');
    expect(value(text, 'Next check-in')).toBe('in 5 min');
    expect(text).not.toContain('Clock');
  });

  it('says in one line what keeps the host busy, why, and how hard it may work', () => {
    const busy = {
      type: 'Vulnerability',
      reason: 'demand',
      origin: 'administrator',
      since: '2026-11-20T11:59:48.000Z',
      tasksDone: 3,
      tasks: 9,
      sharePct: 10,
      cpuMs: 1_240,
      pausedBecause: null,
    } as const;
    const line = (change: Partial<NonNullable<AgentStatus['busy']>> = {}): string | undefined =>
      shown({ busy: { ...busy, ...change } }).split('\n')[2];
    expect(line()).toBe(
      '  Busy: collecting Vulnerability since 12 s (asked for by an administrator), 3 of 9 tasks, at most 10 % of a core, 1.2 s CPU so far',
    );
    expect(line({ origin: null, reason: 'change', pausedBecause: 'the battery is at 12 %' })).toMatch(
      /\(something on the host changed\).*, paused: the battery is at 12 %$/,
    );
    expect(shown()).not.toContain('Busy');
  });

  it('lines the manifests up, counts at the right', () => {
    expect(shown().trimEnd().split('\n').slice(-3)).toEqual([
      'Manifest       version  rows  seq  root      uploaded    next',
      'Inventory      v1       1200    4  abababab  59 min ago  in 23 h',
      'Vulnerability  v1        300    2  cdcdcdcd  2 min ago   in 4 h',
    ]);
  });

  it('puts what is wrong before everything else, with cause and next step', () => {
    const text = shown({
      phase: 'error',
      sentence: 'Platform certificate not trusted.',
      conditions: [
        {
          code: 'PLATFORM_TLS',
          severity: 'error',
          title: 'Platform certificate not trusted',
          text: 'Set CaFile.',
          since: '2026-11-20T11:00:00.000Z',
          stopsUploads: true,
        },
      ],
    });
    expect(text).toContain('  error: Platform certificate not trusted.\n');
    expect(text).toContain('error: Platform certificate not trusted (PLATFORM_TLS)\n  Set CaFile.\n');
    expect(text.indexOf('PLATFORM_TLS')).toBeLessThan(text.indexOf('Host ID'));
  });

  it('names the next attempt, and where the Host ID will be, before the host is registered', () => {
    const text = shown({
      phase: 'not provisioned',
      nextProvisioning: '2026-11-20T12:01:30.000Z',
      identity: { ...STATUS.identity, hostId: null, activationTitle: null },
      platform: { ...STATUS.platform, keyId: null, pinned: 'not yet', clockOffsetSec: -3600 },
    });
    expect(value(text, 'Host ID')).toBe('none yet (/etc/wayfarer/hostid)');
    expect(value(text, 'Activation')).toBe(STATUS.identity.activationId);
    expect(value(text, 'Platform key')).toBe('not pinned yet');
    expect(value(text, 'Next attempt')).toBe('in 90 s');
    expect(value(text, 'Clock')).toContain('-3600 s');
    expect(value(text, 'Next check-in')).toBeUndefined();
  });

  it('tells how far an upload is and what waits', () => {
    const text = shown({
      pendingUpload: {
        type: 'Inventory',
        kind: 'delta',
        chunksSent: 1,
        chunkCount: 4,
        encodedBytes: 4_194_304,
      },
      queue: { records: 1, bytes: 2048, dropped: 3 },
    });
    expect(value(text, 'Pending upload')).toBe('Inventory delta, 1 of 4 chunks, 4.0 MB');
    expect(value(text, 'Queue')).toBe('1 record, 2.0 KB, 3 dropped');
  });

  it('R259 names every way that was tried, with what it answered', () => {
    const failed = {
      route: 'proxy#1',
      proxy: 'http://p:80',
      source: 'PAC',
      ok: false,
      elapsedMs: 3,
    } as const;
    const routes = [
      { ...failed, result: 'ECONNREFUSED' },
      { ...failed, route: 'direct', proxy: null, source: null, ok: true, result: 'the platform answers' },
    ];
    const text = formatStatus({ ...STATUS, platform: { ...STATUS.platform, route: 'direct', routes } }, NOW);
    expect(value(text, 'Routes')).toBe('proxy#1 http://p:80 (PAC): ECONNREFUSED');
    const both = [failed, { ...failed, route: 'proxy#2', ok: true }].map((way) => ({ ...way, result: 'so' }));
    const two = formatStatus({ ...STATUS, platform: { ...STATUS.platform, routes: both } }, NOW);
    expect(two).toMatch(/Routes +proxy#1 .*\n +proxy#2 http:\/\/p:80 \(PAC\): so\n/);
    expect(formatStatus(STATUS, NOW)).not.toContain('Routes');
  });

  it('says what is unusual about the network', () => {
    const network = { online: false, metered: true };
    const scanMerge = { state: 'listening' as const, ports: [10001, 10002], reason: '' };
    const text = formatStatus({ ...STATUS, network, scanMerge }, NOW);
    expect(text).toMatch(/Network +no interface is up/);
    expect(text).toMatch(/Network +metered: large uploads wait/);
    expect(value(text, 'Scan merge')).toBe('listening 10001 10002');
    expect(formatStatus(STATUS, NOW)).not.toMatch(/Network|Scan merge/);
  });

  it('names the log with its level, and until when the platform wants another one', () => {
    expect(value(shown(), 'Log')).toBe('/var/log/wayfarer/wayfarer-agent.log, level info');
    const log = { ...STATUS.log, level: 'trace', until: '2026-11-21T00:00:00.000Z' } as const;
    expect(value(shown({ log }), 'Log')).toContain(', level trace until 2026-11-21T00:00:00.000Z');
  });

  it('lets no name from the platform steer the terminal', () => {
    const text = shown({
      identity: { ...STATUS.identity, activationTitle: 'a\u001b[2Jb\nHost ID  forged\u202e' },
    });
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(value(text, 'Activation')).toBe('a?[2Jb?Host ID  forged?');
  });
});

describe('times and sizes', () => {
  const at = (seconds: number): string => new Date(NOW.getTime() + seconds * 1000).toISOString();

  it.each([
    [null, 'never'],
    [at(0), 'just now'],
    [at(60), 'just now'], // a clock that was set back
    [at(-119), '119 s ago'],
    [at(-120), '2 min ago'],
    [at(-7200), '2 h ago'],
    [at(-172_800), '2 d ago'],
  ])('%s was %s', (time, text) => {
    expect(ago(time, NOW)).toBe(text);
  });

  it.each([
    [null, '-'],
    [at(-60), 'now'],
    [at(5), 'in 5 s'],
    [at(900), 'in 15 min'],
  ])('%s is %s', (time, text) => {
    expect(ahead(time, NOW)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KB'],
    [1024 ** 2, '1.0 MB'],
  ])('%i bytes are %s', (count, text) => {
    expect(bytes(count)).toBe(text);
  });

  it('R199 says what is watched and how, what is not and why, what is queued and what was lost', () => {
    const stream = STATUS.sensor.streams.fim;
    const sensor: SensorStatus = {
      ...STATUS.sensor,
      state: 'running',
      pid: 415,
      restarts: 1,
      spooled: 2,
      fim: {
        rules: 4,
        watching: 3,
        troubles: [{ id: 'srv', path: '/srv', state: 'absent', reason: 'not there yet' }],
        mounts: [
          { mount: '/', filesystem: 'ext4', method: 'filesystem mark' },
          { mount: '/home', filesystem: 'btrfs', method: 'inode marks', note: 'no mark' },
        ],
        moreMounts: 5,
        actor: 'unknown',
        actorReason: 'not root',
        baseline: {
          state: 'complete',
          entries: 9,
          completedAt: '2026-11-20T11:00:00.000Z',
          nextRescanAt: '2026-11-20T14:00:00.000Z',
        },
        eventsLastHour: 7,
        overflows: 2,
        canarySeenAt: null,
      },
      edr: { method: 'process connector', eventsLastHour: 8, lost: 1 },
      streams: {
        fim: { ...stream, on: true, records: 3, bytes: 2048, dropped: 4, refused: 5 },
        edr: { ...stream, on: true },
      },
    };
    const text = shown({ sensor });
    expect(value(text, 'Sensor')).toBe('running, process 415, started again 1 times');
    expect(value(text, 'Rules')).toBe('watching 3 of 4 rules');
    expect(text).toMatch(/^ +srv \(\/srv\): absent, not there yet$/m);
    expect(value(text, 'Filesystems')).toBe('/ (ext4): filesystem mark');
    expect(text).toMatch(/^ +\/home \(btrfs\): inode marks, no mark\n +and 5 more$/m);
    expect(value(text, 'Baseline')).toBe('complete, 9 entries, complete 60 min ago, next walk in 2 h');
    expect(value(text, 'Files')).toBe('7 events in the last hour, lost 2 times');
    expect(value(text, 'Actor')).toBe('unknown: not root');
    expect(value(text, 'Processes')).toBe('process connector, 8 events in the last hour, 1 lost');
    expect(value(text, 'FIM events')).toBe(
      '3 queued, 2.0 KB of 300.0 MB, 4 dropped, 5 refused, uploaded never',
    );
    expect(value(text, 'Not queued yet')).toBe('2 events');
    expect(shown()).not.toContain('Sensor');
  });
});
