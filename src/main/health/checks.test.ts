import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import type { RouteAttempt } from '../../shared/proxy.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { resolvePaths } from '../host/paths.ts';
import { judge } from './checks.ts';
import type { Check, Health } from './health.ts';
import type { FileFacts, HealthInput, Service, TlsView } from './input.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;
const paths = resolvePaths('linux', undefined, {});

const file = (path: string, kind: FileFacts['kind'], mode: number): FileFacts => ({
  path,
  kind,
  uid: 0,
  mode,
});
const running = (change: Partial<AgentStatus> = {}): Service => ({
  answers: true,
  status: { ...STATUS, ...change },
});
const silent = (why: Extract<Service, { answers: false }>['why']): Service => ({
  answers: false,
  why,
  reason: 'nobody listens',
});
const direct: RouteAttempt = {
  route: 'direct',
  proxy: null,
  source: null,
  ok: true,
  result: 'HTTP 204, signed by the pinned platform key',
  elapsedMs: 12,
};
const dead: RouteAttempt = {
  route: 'proxy#1',
  proxy: 'http://proxy.example:3128',
  source: 'configured',
  ok: false,
  result: 'ECONNREFUSED',
  elapsedMs: 3,
};
const certificate = {
  subject: 'CN=platform.example.com',
  issuer: 'CN=Example CA',
  validFrom: '2026-01-01T00:00:00.000Z',
  validTo: '2027-01-01T00:00:00.000Z',
  fingerprint256: 'AA:BB',
};
const tls = (change: Partial<TlsView['inspection']> = {}): TlsView => ({
  inspection: {
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    chain: [certificate],
    authorized: true,
    nameMatches: true,
    ...change,
  },
  explanation: 'issued by CN=Example CA, which nobody trusts',
});

/** A host where all is well. */
const well: HealthInput = {
  now: NOW,
  platform: 'linux',
  paths,
  trustedUids: [0],
  files: {
    data: file(paths.dataDir, 'directory', 0o700),
    settings: file(paths.settingsFile, 'file', 0o644),
    hostId: file(paths.hostIdFile, 'file', 0o644),
    run: file(paths.runDir, 'directory', 0o755),
    log: file('/var/log/wayfarer', 'directory', 0o750),
  },
  service: running(),
  settingProblems: [],
  connectivity: {
    tried: true,
    problems: [],
    platform: 'https://platform.example.com/CloudAgent/',
    attempts: [direct],
    tls: tls(),
  },
  freeBytes: 10 * 1024 ** 3,
  log: { readable: true, lastLineAt: NOW - 10 * MINUTE },
};
const health = (change: Partial<HealthInput>): Health => judge({ ...well, ...change });
const named = (name: string, change: Partial<HealthInput>): Check | undefined =>
  health(change).checks.find((check) => check.name === name);
const state = (name: string, change: Partial<HealthInput>): string | undefined => named(name, change)?.state;
const inventory = (change: Partial<NonNullable<AgentStatus['types']['Inventory']>>): Partial<HealthInput> => {
  const before = STATUS.types.Inventory;
  if (before === undefined) throw new Error('the sample has an inventory');
  return { service: running({ types: { Inventory: { ...before, ...change } } }) };
};
const at = (ms: number): string => new Date(ms).toISOString();

describe('the health of an agent', () => {
  it('R286 is good where the service runs, its log is recent, and nothing else is amiss', () => {
    const found = judge(well);
    expect(found.headline).toBe('Good');
    expect(found.nextStep).toBeNull();
    expect(found.skipped).toEqual([]);
    expect(new Set(found.checks.map((check) => check.state))).toEqual(new Set(['good']));
    expect(found.checks.map((check) => check.name)).toEqual([
      'installation',
      'settings',
      'service',
      'registration',
      'check-in',
      'connection',
      'TLS',
      'clock',
      'disk space',
      'log',
      'scan Inventory',
      'scan Vulnerability',
      'queue',
    ]);
  });

  it('names the step of what is bad before that of what merely wants attention', () => {
    const found = health({ freeBytes: 400 * 1024 ** 2, service: silent('not running') });
    expect(found.headline).toBe('Needs attention');
    expect(found.nextStep).toBe('Run: systemctl start wayfarer-agent');
    expect(health({ freeBytes: 400 * 1024 ** 2 }).nextStep).toBe(
      'Free space on the disk of /var/lib/wayfarer.',
    );
  });

  it('gives every check that is not good a next step, and no other one', () => {
    const change = fc.record(
      {
        service: fc.constantFrom<Service>(
          running(),
          silent('timeout'),
          running({ queue: { records: 1, bytes: 2, dropped: 3 } }),
        ),
        freeBytes: fc.constantFrom(null, 0, 100 * 1024 ** 2, 10 ** 12),
        now: fc.constantFrom(NOW, NOW + 48 * 60 * MINUTE, NOW + 400 * 24 * 60 * MINUTE),
        connectivity: fc.constantFrom<HealthInput['connectivity']>(
          { tried: false, reason: 'no platform is set' },
          { tried: true, problems: [], platform: 'p', attempts: [dead, direct], tls: tls() },
          { tried: true, problems: [], platform: 'p', attempts: [dead], tls: null },
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(change, (given) => {
        const found = health(given);
        for (const check of found.checks) expect(check.nextStep === null).toBe(check.state === 'good');
        const all = found.checks.every((check) => check.state === 'good');
        expect(found.headline).toBe(all ? 'Good' : 'Needs attention');
      }),
    );
  });

  it.each([
    ['not running', 'Run: systemctl start wayfarer-agent'],
    ['not installed', 'Install the agent on this host.'],
    ['permission', 'Run this as root or administrator.'],
    ['timeout', 'See the end of the log, then restart the service.'],
  ] as const)(
    'R286 is not good with a service that is silent (%s), and says what is not known',
    (why, step) => {
      const found = health({ service: silent(why) });
      expect(found.checks.find((check) => check.name === 'service')).toMatchObject({
        state: 'bad',
        nextStep: step,
      });
      expect(found.skipped.map((one) => one.name)).toEqual(['registration', 'clock', 'scans', 'queue']);
      expect(found.checks.find((check) => check.name === 'connection')?.state).toBe('good');
    },
  );

  it.each<[string, Partial<FileFacts>, string]>([
    ['belongs to another user', { uid: 1000 }, 'chown root'],
    ['can be written by others', { mode: 0o777 }, 'chmod go-w'],
    ['is a link', { kind: 'link' }, 'install the agent again'],
  ])('does not take a data directory that %s', (_, change, step) => {
    const files = { ...well.files, data: { ...well.files.data, ...change } };
    expect(named('installation', { files })).toMatchObject({
      state: 'bad',
      nextStep: expect.stringContaining(step) as string,
    });
  });

  it('minds neither a file that is not there yet nor one that this user may not see', () => {
    const files = {
      ...well.files,
      hostId: file(paths.hostIdFile, 'absent', 0),
      log: file('/l', 'hidden', 0),
    };
    expect(named('installation', { files })).toMatchObject({
      state: 'good',
      detail: expect.stringContaining('not visible to this user: /l') as string,
    });
    const none = { ...well.files, data: file(paths.dataDir, 'absent', 0) };
    expect(state('installation', { files: none })).toBe('bad');
  });

  it('tells a setting that stops the agent from one whose default serves', () => {
    const problem = {
      setting: 'Syslog',
      source: '/etc/wayfarer/agent.conf:3',
      reason: 'is neither on nor off',
    };
    const nextStep = 'Correct or set Syslog in /etc/wayfarer/agent.conf:3.';
    expect(named('settings', { settingProblems: [problem] })).toMatchObject({ state: 'bad', nextStep });
    expect(state('settings', { settingProblems: [{ ...problem, harmless: true }] })).toBe('attention');
    const unknown = { ...problem, setting: 'Foo', harmless: true } as const;
    expect(named('settings', { settingProblems: [unknown, problem] })).toMatchObject({
      state: 'bad',
      nextStep,
    });
    expect(health({ settingProblems: null }).skipped.map((one) => one.name)).toEqual(['settings']);
  });

  it('asks for registration, with the reason that the agent knows', () => {
    const identity = { ...STATUS.identity, hostId: null };
    const condition = {
      code: 'KEY_EXPIRED',
      severity: 'error',
      title: 'Activation key expired',
      text: 'Extend it.',
      since: at(NOW),
      stopsUploads: true,
    } as const;
    const service = running({ identity, conditions: [condition], nextProvisioning: at(NOW + MINUTE) });
    expect(named('registration', { service })).toMatchObject({ state: 'bad', nextStep: 'Extend it.' });
    expect(named('condition KEY_EXPIRED', { service })).toMatchObject({
      state: 'bad',
      nextStep: 'Extend it.',
    });
  });

  it('wants a check-in within two intervals', () => {
    const since = (minutes: number): Partial<HealthInput> => ({
      service: running({ lastCheckIn: at(NOW - minutes * MINUTE) }),
    });
    expect(state('check-in', since(40))).toBe('good');
    expect(state('check-in', since(41))).toBe('attention');
    expect(state('check-in', { service: running({ lastCheckIn: null }) })).toBe('attention');
  });

  it('wants the first route to work, and the platform by any', () => {
    const via = (...attempts: RouteAttempt[]): Partial<HealthInput> => ({
      connectivity: { tried: true, problems: [], platform: 'https://p/', attempts, tls: tls() },
    });
    expect(state('connection', via(direct, dead))).toBe('good');
    expect(named('connection', via(dead, direct))).toMatchObject({
      state: 'attention',
      detail:
        'https://p/: proxy#1 http://proxy.example:3128 (configured) ECONNREFUSED; direct HTTP 204, signed by the pinned platform key',
    });
    expect(state('connection', via(dead))).toBe('bad');
  });

  it('wants proxy settings and CA file in order, although some way leads to the platform', () => {
    const problems = ['wayfarer_https_proxy in /etc/default/wayfarer-agent:1: has no scheme'];
    const wrong = (attempt: RouteAttempt): Partial<HealthInput> => ({
      connectivity: { tried: true, problems, platform: 'https://p/', attempts: [attempt], tls: tls() },
    });
    expect(named('connection', wrong(direct))).toMatchObject({
      state: 'attention',
      detail: expect.stringContaining('wayfarer-agent:1: has no scheme') as string,
      nextStep: expect.stringContaining('Correct the setting') as string,
    });
    expect(named('connection', wrong(dead))).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('has no scheme') as string,
    });
  });

  it('names the issuer of a certificate that is not trusted, and one that ends within 14 days', () => {
    const seen = (view: TlsView | null): Partial<HealthInput> => ({
      connectivity: { tried: true, problems: [], platform: 'https://p/', attempts: [direct], tls: view },
    });
    expect(named('TLS', seen(tls({ authorized: false })))).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('issued by CN=Example CA') as string,
    });
    const ending = (days: number): Partial<HealthInput> =>
      seen(tls({ chain: [{ ...certificate, validTo: at(NOW + days * 24 * 60 * MINUTE) }] }));
    expect(state('TLS', ending(14))).toBe('good');
    expect(state('TLS', ending(13))).toBe('attention');
    expect(health(seen(null)).skipped.map((one) => one.name)).toEqual(['TLS']);
  });

  it('doubts a clock that is far from the platform, or outside the validity of its certificate', () => {
    const off = (clockOffsetSec: number): Partial<HealthInput> => ({
      service: running({ platform: { ...STATUS.platform, clockOffsetSec } }),
    });
    expect(state('clock', off(-300))).toBe('good');
    expect(state('clock', off(-301))).toBe('attention');
    const tenYearsOff = NOW + 10 * 365 * 24 * 60 * MINUTE;
    expect(named('clock', { now: tenYearsOff })).toMatchObject({
      state: 'attention',
      detail: expect.stringContaining('2036-') as string,
    });
  });

  it.each([
    [500, 'good'],
    [499, 'attention'],
    [50, 'attention'],
    [49, 'bad'],
  ])('with %i MB of free space is %s', (megabytes, expected) => {
    expect(state('disk space', { freeBytes: megabytes * 1024 ** 2 })).toBe(expected);
  });

  it('R286 wants recent activity in the log, unless its level keeps it silent', () => {
    const quiet = { readable: true, lastLineAt: NOW - 91 * MINUTE } as const;
    expect(state('log', { log: quiet })).toBe('attention');
    expect(state('log', { log: { readable: true, lastLineAt: NOW - 90 * MINUTE } })).toBe('good');
    expect(state('log', { log: { readable: true, lastLineAt: null } })).toBe('attention');
    const service = running({ log: { ...STATUS.log, level: 'warn' } });
    expect(state('log', { log: quiet, service })).toBe('good');
    const hidden = health({ log: { readable: false, reason: 'EACCES' } });
    expect(hidden.skipped.map((one) => one.name)).toEqual(['log']);
  });

  it('R285 wants every module scanned and uploaded within two intervals and its spread', () => {
    const uploaded = (minutesAgo: number): Partial<HealthInput> =>
      inventory({ uploadedAt: at(NOW - minutesAgo * MINUTE), spreadMin: 30 });
    expect(state('scan Inventory', uploaded(2 * 1440 + 30))).toBe('good');
    expect(state('scan Inventory', uploaded(2 * 1440 + 31))).toBe('attention');
  });

  it('waits for a first scan as long as it is planned, and for one that is suspended for ever', () => {
    const first = (dueInMinutes: number): Partial<HealthInput> =>
      inventory({ uploadedAt: null, nextDueAt: at(NOW + dueInMinutes * MINUTE) });
    expect(state('scan Inventory', first(60))).toBe('good');
    expect(state('scan Inventory', first(-15))).toBe('good');
    expect(state('scan Inventory', first(-16))).toBe('attention');
    expect(state('scan Inventory', inventory({ manifestVersion: null }))).toBe('attention');
    const late = inventory({ uploadedAt: at(0) });
    const { service } = late;
    if (service?.answers !== true) throw new Error('the service answers here');
    const profile = { ...STATUS.profile, suspended: true };
    expect(state('scan Inventory', { service: running({ ...service.status, profile }) })).toBe('good');
  });

  it('R153 takes the silence of a blackout, and what it or reduced activity holds, for what they are', () => {
    const late = inventory({ uploadedAt: at(0) });
    const { service } = late;
    if (service?.answers !== true) throw new Error('the service answers here');
    const status = { ...service.status, lastCheckIn: at(0) };
    const blackout = { active: true, until: '2026-11-20T18:00:00Z', next: null };
    const dark = { service: running({ ...status, blackout }) };
    expect(state('check-in', { service: running(status) })).toBe('attention');
    for (const name of ['check-in', 'scan Inventory']) {
      expect(named(name, dark)).toMatchObject({
        state: 'good',
        detail: expect.stringContaining('until 2026-11-20T18:00:00Z') as string,
      });
    }
    const reduced = { noCollection: [], noTransmission: ['Inventory' as const], until: null };
    expect(state('scan Inventory', { service: running({ ...status, reduced }) })).toBe('good');
    expect(state('scan Inventory', { service: running(status) })).toBe('attention');
  });

  it('counts what was dropped', () => {
    const service = running({ queue: { records: 0, bytes: 0, dropped: 1 } });
    expect(named('queue', { service })).toMatchObject({
      state: 'attention',
      detail: expect.stringContaining('1 dropped') as string,
    });
  });
});
