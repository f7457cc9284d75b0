import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExitCode } from '../shared/exit-codes.ts';
import { Chain, edrEvent, fimEvent, recordOf, sendEvents } from '../../test/support/sealed-events.ts';
import { itemsOf, type PlatformClient } from '../../test/support/platform-client.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';
import { until } from '../../test/support/until.ts';
import { runTool } from './testing/run-tool.ts';

const CLI = join(import.meta.dirname, 'cli.ts');
// Node 22 of the unit tests takes types out of TypeScript only when told to.
const NODE = ['--experimental-strip-types', '--no-warnings', CLI] as const;
const ESCAPE = '\u001b';

const fixture = new PlatformFixture();
const folder = mkdtempSync(join(tmpdir(), 'wayfarer-events-cli-'));
const chain = new Chain();
let client: PlatformClient;
const lines = [
  chain.seal(fimEvent({ path: '/etc/hosts', wayfarer: { diff: '-127.0.0.1 a\n+127.0.0.1 b' } })),
  chain.seal(
    fimEvent({
      at: '2026-11-20T11:59:10.000Z',
      path: '/etc/new',
      previous_path: '/etc/old',
      action: 'moved',
      severity: 3,
    }),
  ),
  chain.seal(
    fimEvent({
      at: '2026-11-20T11:59:20.000Z',
      path: `/srv/${'long/'.repeat(40)}name`,
      wayfarer: { actor: { state: 'unknown', reason: 'the process had ended' } },
    }),
  ),
  chain.seal(
    fimEvent({
      at: '2026-11-20T11:59:25.000Z',
      path: `/tmp/${ESCAPE}[31mred\nsecond\u009b\u202e`,
      severity: 4,
    }),
  ),
];
const started = new Chain().seal(edrEvent());

beforeAll(async () => {
  await fixture.start();
  client = await fixture.agent(['AI', 'FIM', 'EDR']);
  await sendEvents(client, lines);
  await sendEvents(client, [started], 'edr');
});
afterAll(async () => {
  await fixture.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]) {
  const all = [...NODE, '--data', fixture.dataDir, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('wayfarer-platform events', { timeout: 60_000 }, () => {
  it('prints a line per event, aligned, with who did it or why nobody knows', () => {
    const { status, stdout } = run('events', 'list');
    const shown = stdout.trimEnd().split('\n');
    expect(status).toBe(ExitCode.ok);
    expect(shown).toHaveLength(6);
    const column = shown[0]?.indexOf('WHO') ?? -1;
    expect(shown[0]).toMatch(/^TIME +HOST +ACTION +PATH +WHO +RULE +SEVERITY$/);
    const who = shown.slice(1).map((line) => line.slice(column).replace(/ {2,}/g, ' | '));
    expect(who).toEqual([
      'curl 815 alice | process-events | low',
      'vim 4711 root (alice) | etc | critical',
      'unknown: the process had ended | etc | medium',
      'vim 4711 root (alice) | etc | high',
      'vim 4711 root (alice) | etc | medium',
    ]);
    expect(stdout).toContain('2026-11-20 11:59:10Z  laptop-1  moved            /etc/old -> /etc/new');
    expect(stdout).toMatch(/\/srv\/long.*\.\.\..*long\/name {2}/);
  });

  it('sends the terminal nothing that steers it, in text or in JSON', () => {
    for (const args of [['list'], ['list', '--json'], ['show', recordOf(lines[3] ?? '').event.id]]) {
      const { stdout } = run('events', ...args);
      expect(stdout).toContain('31mred');
      // eslint-disable-next-line no-control-regex -- control characters are what must not be there
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it('prints records as they came, one per line', () => {
    const shown = run('events', 'list', '--json', '--path', '/etc').stdout;
    expect(shown).toBe(`${lines[1] ?? ''}\n${lines[0] ?? ''}\n`);
    const { id } = recordOf(lines[0] ?? '').event;
    expect(run('--json', 'events', 'show', id).stdout).toBe(`${lines[0] ?? ''}\n`);
  });

  it('shows everything about one event', () => {
    const { stdout } = run('events', 'show', recordOf(lines[0] ?? '').event.id);
    expect(stdout).toMatch(/^who +vim 4711 root \(alice\)$/m);
    expect(stdout).toMatch(/^wayfarer\.actor\.process\.command_line +vim \/etc\/hosts$/m);
    expect(stdout).toMatch(/\n\n {2}-127\.0\.0\.1 a\n {2}\+127\.0\.0\.1 b\n$/);
  });

  it('tells wrong usage, refusal and nothing apart', () => {
    expect(run('events', 'list', '--severity', 'urgent').status).toBe(ExitCode.usage);
    expect(run('events', 'list', '--limit', '0')).toMatchObject({ status: ExitCode.refused });
    expect(run('events', 'list', '--host', 'nobody').status).toBe(ExitCode.failed);
    expect(run('events', 'show', 'nonsense').status).toBe(ExitCode.refused);
    expect(run('events', 'list', '--rule', 'none').stdout).toBe('no event matches\n');
    expect(run('events', 'list', '--limit', '1').stdout).toContain('there are more');
  });

  it.each<[readonly string[], readonly number[]]>([
    [['--actor', 'curl'], [4]],
    [
      ['--actor', 'alice'],
      [4, 3, 1, 0],
    ],
    [
      ['--user', 'root'],
      [3, 1, 0],
    ],
    [['--user', 'alice'], [4]],
    [['--rule', 'process-events'], [4]],
    [['--action', 'moved'], [1]],
    [
      ['--since', '2026-11-20T11:59:20Z'],
      [4, 3, 2],
    ],
    [
      ['--until', '2026-11-20T11:59:10Z'],
      [1, 0],
    ],
    [
      ['--severity', 'high'],
      [3, 1],
    ],
    [['--stream', 'edr'], [4]],
    [['--path', '/etc/old'], [1]],
    [
      ['--host', 'laptop-1', '--limit', '2'],
      [4, 3],
    ],
    [['--path', '/etc/*', '--user', 'root', '--action', 'updated', '--until', '2026-11-20T11:59:00Z'], [0]],
  ])('finds by %j what fulfils it, and nothing else', async (filter, wanted) => {
    const { code, stdout } = await runTool(fixture.dataDir, 'events', 'list', '--json', ...filter);
    expect(code).toBe(ExitCode.ok);
    const idOf = (line: string): string => recordOf(line).event.id;
    const all = [...lines, started].map(idOf);
    expect(stdout.trimEnd().split('\n').map(idOf)).toEqual(wanted.map((n) => all[n]));
  });

  it.each<[readonly string[], number, string]>([
    [['--since', 'yesterday'], ExitCode.refused, 'since: give a time such as 2027-01-31T08:00:00Z'],
    [['--until', 'tomorrow'], ExitCode.refused, 'until: give a time such as 2027-01-31T08:00:00Z'],
    [['--limit', 'many'], ExitCode.refused, 'limit: '],
    [['--actor', ''], ExitCode.refused, 'actor: '],
    [['--user', ''], ExitCode.refused, 'user: '],
    [['--rule', 'r'.repeat(1_025)], ExitCode.refused, 'rule: '],
    [['--action', ''], ExitCode.refused, 'action: '],
    [['--path', ''], ExitCode.refused, 'path: '],
    [['--severity', 'urgent'], ExitCode.usage, 'Allowed choices are low, medium, high, critical'],
    [['--stream', 'all'], ExitCode.usage, 'Allowed choices are fim, edr'],
    [['--host', 'nobody'], ExitCode.failed, 'there is no agent "nobody"'],
  ])('says what is wrong with %j', async (filter, code, message) => {
    const ended = await runTool(fixture.dataDir, 'events', 'list', ...filter);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) as string });
  });

  it('follows what arrives, in both forms, until it is told to end', async () => {
    const follow = (...args: string[]) => {
      const child = spawn(process.execPath, [
        ...NODE,
        '--data',
        fixture.dataDir,
        'events',
        'list',
        '-f',
        ...args,
      ]);
      const seen = { text: '', errors: '' };
      child.stdout.on('data', (piece: Buffer) => (seen.text += piece.toString()));
      child.stderr.on('data', (piece: Buffer) => (seen.errors += piece.toString()));
      return { child, seen };
    };
    const text = follow();
    const json = follow('--json', '--path', '/followed/1');
    await until('the list begins', () => text.seen.text.startsWith('TIME') || undefined);
    const sent: string[] = [];
    // The second has no sign that it has begun: events come until it shows one.
    await until('both show events', async () => {
      const line = chain.seal(fimEvent({ path: `/followed/1` }));
      sent.push(line);
      await sendEvents(client, [line]);
      return (text.seen.text.includes('/followed/1') && json.seen.text !== '') || undefined;
    });
    for (const { child } of [text, json]) {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      expect(await ended).toEqual([0, null]);
    }
    expect([text.seen.errors, json.seen.errors]).toEqual(['', '']);
    for (const line of json.seen.text.trimEnd().split('\n')) expect(sent).toContain(line);
    expect(text.seen.text).toMatch(
      /laptop-1 +updated +\/followed\/1 +vim 4711 root \(alice\) +etc +medium\n/,
    );
  });

  it('verifies the chains, and ends with 1 when one is broken; the page of the agent says so, too', async () => {
    const whole = run('events', 'verify');
    expect([whole.status, whole.stdout]).toEqual([
      ExitCode.ok,
      expect.stringMatching(/laptop-1 +fim .* whole\n/),
    ]);
    chain.lose(2);
    await sendEvents(client, chain.files(1));
    const broken = run('events', 'verify', '--host', client.agentId);
    expect([broken.status, broken.stdout]).toEqual([
      ExitCode.failed,
      expect.stringMatching(/CHAIN_BROKEN, 1 fault\n/),
    ]);
    const page = run('show', client.agentId).stdout;
    expect(page).toMatch(/CHAIN_BROKEN fim: sequence, expected \d+, found \d+, 2 missing/);
    const db = new Database(join(fixture.dataDir, 'platform.db'));
    db.prepare(
      "UPDATE event_records SET record = replace(record, '/etc/hosts', '/etc/HOSTS') WHERE n = 1",
    ).run();
    db.close();
    expect(run('events', 'verify').stdout).toMatch(/laptop-1 +fim +hash +the hash of its content/);
  });

  it('says on the page of an agent what its host dropped, by its heartbeat', async () => {
    await client.heartbeat({ drops: { fim: 12, edr: 0 } });
    expect(run('show', client.agentId).stdout).toContain(
      'dropped on the host, by its last heartbeat: fim 12\n',
    );
  });
});

describe('wayfarer-platform manifests and changes', { timeout: 60_000 }, () => {
  it('R206 shows, sets and takes back a manifest', () => {
    const file = join(folder, 'fim.json');
    const shown = JSON.parse(run('--json', 'manifests', 'show', 'FIM').stdout) as { tasks: object[] };
    writeFileSync(file, JSON.stringify({ ...shown, tasks: shown.tasks.slice(0, 2) }));
    expect(run('manifests', 'set', 'FIM', '--file', file).stdout).toContain(
      'FIM is at version 2 with 2 tasks',
    );
    expect(run('manifests').stdout).toMatch(/FIM +2 +2 +set here/);
    expect(run('manifests', 'show', 'fim').stdout).toMatch(
      /sudoers +file_integrity +kind=file path=\/etc\/sudoers/,
    );
    writeFileSync(
      file,
      JSON.stringify({
        tasks: [
          {
            id: 'x',
            table: 'file_integrity',
            params: { kind: 'file', path: '/x', exclude: ['*'.repeat(100_000)] },
          },
        ],
      }),
    );
    const refused = run('manifests', 'set', 'FIM', '--file', file);
    expect([refused.status, refused.stderr]).toEqual([
      ExitCode.refused,
      expect.stringContaining('task "x", exclude.0: Too big'),
    ]);
    writeFileSync(file, '{');
    expect(run('manifests', 'set', 'FIM', '--file', file).stderr).toContain('is not JSON');
    expect(run('manifests', 'set', 'FIM', '--file', join(folder, 'none')).status).toBe(ExitCode.failed);
    expect(run('manifests', 'reset', 'FIM').stdout).toContain('FIM is at version 3');
  });

  it('R316 lists what changed on a host', async () => {
    const deb = (version: string) =>
      itemsOf([['deb', 'bash:amd64', { name: 'bash', version, arch: 'amd64', status: 'installed' }]]);
    await client.upload('Inventory', deb('5.2-1'));
    expect(run('changes', client.agentId).stdout).toContain('no change is on record');
    await client.upload('Inventory', deb('5.2-2'));
    expect(run('changes', client.agentId).stdout).toMatch(
      /package upgraded +deb +bash amd64 +5\.2-1 +5\.2-2 +Inventory\n/,
    );
  });

  it('R201 lists a mutex by its name, and a socket by its port', async () => {
    const sides = new Chain();
    const { process: _none, user: _nobody, event, ...rest } = edrEvent();
    const item = '\\BaseNamedObjects\\Worm';
    const records = [
      {
        ...rest,
        event: { ...event, action: 'mutex_created' as const, severity: 4 },
        wayfarer: { severity: 'critical' as const, item, reason: 'not told' },
      },
      edrEvent({
        event: { ...event, id: randomUUID(), action: 'listener_opened' },
        server: { address: '::1', port: 8080, transport: 'tcp' },
      }),
    ];
    const host = await fixture.agent(['AI', 'EDR']);
    await sendEvents(
      host,
      records.map((record) => sides.seal(record)),
      'edr',
    );
    expect(run('events', 'list', '--action', 'mutex_created').stdout).toMatch(
      /mutex_created +\\BaseNamedObjects\\Worm +unknown: not told +process-events +critical\n/,
    );
    expect(run('events', 'list', '--action', 'listener_opened').stdout).toMatch(
      /listener_opened +tcp ::1 port 8080 +curl 815 alice +process-events +low\n/,
    );
  });
});
