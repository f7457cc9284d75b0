import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import { Chain, fimEvent } from '../../../test/support/sealed-events.ts';
import { AgentEvent } from '../../shared/control.ts';
import { ExitCode } from '../../shared/exit-codes.ts';
import { openControl, type ControlServer, type ControlTarget } from '../control/server.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';
import { addEvents, followEvents } from './events.ts';
import { eventLine } from './format-event.ts';
import { followHostEvents } from './host-events.ts';
import { addModules } from './modules.ts';
import { addProfile } from './profile.ts';
import { runCommand } from './testing/run-command.ts';

/* Commands that ask the agent and show what it says, against a real control channel. */

const at = '2026-11-20T12:00:00.000Z';
const CHANGED: AgentEvent = { name: 'changed', at, types: ['Inventory'], reason: 'packages' };
const FAILED: AgentEvent = { name: 'collection failed', at, type: 'SCA', reason: 'bad \u001b[2J name' };

let root: string;
let paths: Paths;
let recent: AgentEvent[];
let watchers: Parameters<ControlTarget['watch']>[0][];
let fimEvents: string[];
let server: ControlServer | undefined;

async function open(): Promise<void> {
  watchers = [];
  fimEvents = [];
  server = await openControl(
    { read: paths.readEndpoint, admin: paths.adminEndpoint },
    {
      status: () => STATUS,
      watch: (watcher) => {
        watchers.push(watcher);
        return () => undefined;
      },
      hostEvents: {
        of: (stream) => (stream === 'fim' ? fimEvents : []),
        watch: () => () => undefined,
      },
      profile: () => ({
        id: 'p',
        name: 'Laptops',
        description: 'for \u202eall',
        version: 3,
        preset: 'LOW',
        parameters: [
          {
            name: 'chunkSizeKb',
            value: 64,
            unit: 'KB',
            range: { min: 64, max: 10_240 },
            default: 1024,
            clampedFrom: 1,
          },
          {
            name: 'cpuLimitPct',
            value: 5,
            unit: '%',
            range: { min: 2, max: 100 },
            default: 5,
            clampedFrom: null,
          },
          { name: 'pmEnabled', value: false, unit: null, range: null, default: true, clampedFrom: null },
        ],
      }),
      recentEvents: () => recent,
      provisionNow: () => ({ state: 'trying' }),
      requestCycle: () => ({ accepted: [], refused: {} }),
      demandScan: () => Promise.reject(new Error('nobody asked for it')),
    },
  );
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'wf-'));
  paths = resolvePaths('linux', root, {});
  mkdirSync(paths.runDir, { recursive: true });
  recent = [CHANGED, FAILED];
  await open();
});
afterEach(async () => {
  await server?.close();
  rmSync(root, { recursive: true, force: true });
});

describe('wayfarerctl modules', () => {
  it('R194 shows each module with its manifests, and of results nothing but how many rows there are', async () => {
    const { stdout, code } = await runCommand(addModules, paths, 'modules');
    expect(code).toBe(0);
    const active = STATUS.modules[0] ?? '';
    expect(stdout).toMatch(new RegExp(`^${active} +active`, 'm'));
    expect(stdout).toMatch(/^EDR +not active +- +- +- +- +-$/m);
    const { modules } = JSON.parse((await runCommand(addModules, paths, 'modules', '--json')).stdout) as {
      modules: { module: string; types: Record<string, unknown>[] }[];
    };
    expect(modules.map(({ module }) => module)).toEqual(['AI', 'VM', 'PC', 'SCA', 'FIM', 'EDR', 'PM']);
    const keys = new Set(modules.flatMap(({ types }) => types.flatMap((type) => Object.keys(type))));
    expect([...keys].sort()).toEqual(
      ['collectedAt', 'manifestVersion', 'nextDueAt', 'rows', 'type', 'uploadedAt'].sort(),
    );
  });
});

describe('wayfarerctl events --stream', () => {
  const chain = new Chain();
  const changes = [
    fimEvent({ path: '/etc/passwd', severity: 3 }),
    fimEvent({
      path: '/home/ada/a%0Ab',
      severity: 3,
      wayfarer: { actor: { state: 'unknown', reason: 'it was gone', pid: 7 }, changed: [] },
    }),
    fimEvent({
      path: '/usr/bin/ls',
      severity: 3,
      wayfarer: { detected: 'baseline', package_manager: 'dpkg' },
    }),
  ].map((event) => chain.seal(event));
  const ask = (...args: string[]) => runCommand(addEvents, paths, 'events', '--stream', 'fim', ...args);

  it('R199 R200 says of each change when, what, where, by whom or why nobody knows, and under which rule', async () => {
    expect((await ask()).stdout).toBe('no fim event since the agent started\n');
    fimEvents = changes;
    const lines = (await ask()).stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^\S+ \S+ {2}/, ''))).toEqual([
      'updated /etc/passwd (content, size)  vim 4711, root (logged in as alice), rule etc, high',
      'updated /home/ada/a%0Ab  unknown: it was gone (process 7), rule etc, high',
      'updated /usr/bin/ls (content, size)  vim 4711, root (logged in as alice), by dpkg, found by baseline, rule etc, high',
    ]);
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:00 {2}/);
  });

  it('prints those with a path of a pattern alone, also for a program', async () => {
    fimEvents = changes;
    const paths = async (glob: string): Promise<string[]> => {
      const { events } = JSON.parse((await ask('--path', glob, '--json')).stdout) as {
        events: { file: { path: string } }[];
      };
      return events.map(({ file }) => file.path);
    };
    expect(await paths('/etc/*')).toEqual(['/etc/passwd']);
    expect(await paths('/home/*')).toEqual([]);
    expect(await paths('/home/**')).toEqual(['/home/ada/a%0Ab']);
    expect(await paths('l?')).toEqual(['/usr/bin/ls']);
    expect((await ask('--path', '/srv/*')).stdout).toBe('none of the last 3 fim events has such a path\n');
  });

  it('takes a path without a stream for one of changed files', async () => {
    fimEvents = changes;
    const { stdout, code } = await runCommand(addEvents, paths, 'events', '--path', '/etc/*');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\S+ \S+ {2}updated \/etc\/passwd .*\n$/);
    expect(stdout).toBe((await ask('--path', '/etc/*')).stdout);
    expect((await runCommand(addEvents, paths, 'events', '--path', '/srv/*')).stdout).toBe(
      'none of the last 3 fim events has such a path\n',
    );
  });

  it('follows until the agent ends', async () => {
    fimEvents = changes;
    const said: string[] = [];
    const following = followHostEvents(paths, { stream: 'fim' }, (text) => said.push(text));
    await vi.waitFor(() => {
      expect(said).toHaveLength(3);
    });
    await server?.close();
    server = undefined;
    await expect(following).rejects.toMatchObject({ exitCode: ExitCode.notRunning });
  });
});

describe('wayfarerctl profile', () => {
  it('R127 R128 marks what differs from its default and what was clamped', async () => {
    const { stdout } = await runCommand(addProfile, paths, 'profile');
    expect(stdout).toContain('Profile "Laptops", version 3, preset LOW\nfor ?all\n');
    expect(stdout).toMatch(/^! +chunkSizeKb +64 KB \(the profile says 1\) +64–10240 +1024$/m);
    expect(stdout).toMatch(/^ +cpuLimitPct +5 % +2–100 +5$/m);
    expect(stdout).toMatch(/^\* +pmEnabled +off +- +on$/m);
    const json = await runCommand(addProfile, paths, 'profile', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 3, parameters: [{ clampedFrom: 1 }, {}, {}] });
  });
});

describe('wayfarerctl events', () => {
  it('prints the recent ones as lines that steer no terminal, or as one object', async () => {
    const { stdout } = await runCommand(addEvents, paths, 'events');
    expect(stdout).toMatch(/^2026-11-2\d \d\d:\d\d:00 {2}changed: Inventory \(packages\)$/m);
    expect(stdout).toContain('collection failed: SCA (bad ?[2J name)');
    const json = await runCommand(addEvents, paths, 'events', '--json');
    expect(JSON.parse(json.stdout)).toEqual({ events: recent });
    recent = [];
    expect((await runCommand(addEvents, paths, 'events')).stdout).toBe('nothing happened yet\n');
  });

  it('follows: the recent ones, each new one once, over an agent that opens again, to its end', async () => {
    const said: AgentEvent[] = [];
    const later: AgentEvent = { ...CHANGED, reason: 'later' };
    const waits: (() => void | Promise<void>)[] = [
      async () => {
        recent = [];
        await open();
      },
    ];
    const following = followEvents(
      paths,
      (event) => said.push(event),
      async () => waits.shift()?.(),
    );
    const ended = expect(following).rejects.toMatchObject({ exitCode: 4, message: 'the agent has ended' });
    await vi.waitFor(() => {
      expect(said).toEqual([CHANGED, FAILED]);
    });
    watchers[0]?.event(FAILED); // as if it had happened between the two calls
    watchers[0]?.event(later);
    await vi.waitFor(() => {
      expect(said).toEqual([CHANGED, FAILED, later]);
    });
    const [first] = watchers;
    await server?.close();
    await vi.waitFor(() => {
      expect(watchers[0] === undefined || watchers[0] === first).toBe(false);
    });
    watchers[0]?.event(CHANGED);
    await vi.waitFor(() => {
      expect(said).toEqual([CHANGED, FAILED, later, CHANGED]);
    });
    await server?.close();
    await ended;
  });

  it('ends with 4 or 5 where no agent answers', async () => {
    await server?.close();
    expect((await runCommand(addEvents, paths, 'events', '-f')).code).toBe(5);
    mkdirSync(paths.dataDir, { recursive: true });
    expect((await runCommand(addEvents, paths, 'events')).code).toBe(4);
    expect((await runCommand(addModules, paths, 'modules')).code).toBe(4);
    expect((await runCommand(addProfile, paths, 'profile')).code).toBe(4);
  });
});

it('every event of the contract has a line of its own that says more than its name', () => {
  for (const option of AgentEvent.options) {
    const values = Object.keys(option.shape).map((key): [string, unknown] => [
      key,
      key === 'types' ? ['T'] : 7,
    ]);
    const event = {
      ...Object.fromEntries(values),
      name: option.shape.name.value,
      at,
    } as unknown as AgentEvent;
    expect(eventLine(event)).toMatch(/^2026-11-2\d \d\d:\d\d:00 {2}[a-z ]+: .*[7T]/);
    expect(eventLine(event)).not.toContain('undefined');
  }
});
