import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { request } from 'undici';
import { Agent as Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chain, edrEvent, fimEvent, recordOf, sendEvents } from '../../../test/support/sealed-events.ts';
import type { PlatformClient } from '../../../test/support/platform-client.ts';
import { PlatformFixture } from '../../../test/support/platform-fixture.ts';
import type { EventFilter } from './search.ts';

/* One estate for all searches: none of them changes it. */

const fixture = new PlatformFixture();
let laptop: PlatformClient;
let server: PlatformClient;
const SHARED = randomUUID();
const at = (minute: number): string =>
  new Date(Date.parse('2026-11-20T11:00:00Z') + minute * 60_000).toISOString();

beforeAll(async () => {
  await fixture.start();
  laptop = await fixture.agent(['AI', 'FIM', 'EDR']);
  server = await fixture.agent(['AI', 'FIM']);
  const files = new Chain();
  const someone = (name: string, executable: string, login = name) => ({
    actor: {
      state: 'known' as const,
      process: { pid: 7, executable },
      user: { id: '1', name },
      login_user: { id: '2', name: login },
    },
  });
  await sendEvents(laptop, [
    files.seal(fimEvent({ at: at(1), path: '/etc/hosts', id: SHARED })),
    files.seal(fimEvent({ at: at(2), path: '/etc/ssh/sshd_config', severity: 3, rule: 'ssh' })),
    files.seal(fimEvent({ at: at(3), path: '/etcetera', wayfarer: someone('100%_sure', '/opt/a_b') })),
    files.seal(
      fimEvent({ at: at(4), path: '/srv/foo[1].txt', wayfarer: someone('bob', '/opt/axb', 'alice') }),
    ),
    files.seal(fimEvent({ at: at(5), path: '/srv/foo1.txt', action: 'deleted', severity: 1 })),
    files.seal(fimEvent({ at: at(6), path: '/new/name', previous_path: '/old/name', action: 'moved' })),
    files.seal(fimEvent({ at: at(7), path: 'C:\\Windows\\System32\\drivers\\etc\\hosts', severity: 4 })),
    files.seal(
      fimEvent({
        at: at(8),
        path: '/tmp/x',
        wayfarer: { actor: { state: 'unknown', reason: 'it had ended' } },
      }),
    ),
  ]);
  await sendEvents(laptop, [new Chain().seal(edrEvent({ '@timestamp': at(9) }))], 'edr');
  await sendEvents(server, [new Chain().seal(fimEvent({ at: at(1), path: '/etc/hosts', id: SHARED }))]);
});
afterAll(() => fixture.dispose());

const admin = () => fixture.platform.admin;
/** Events of processes have no file. */
const pathOf = (record: string): string => {
  const { file } = recordOf(record) as Partial<ReturnType<typeof recordOf>>;
  return file?.path ?? 'process';
};
const paths = (filter: EventFilter, of = laptop) =>
  admin()
    .findEvents({ host: of.agentId, ...filter })
    .events.map(({ record }) => pathOf(record));

describe('a search for events', () => {
  it.each<[string, EventFilter, readonly string[]]>([
    ['a path', { path: '/etc/hosts' }, ['/etc/hosts']],
    ['a folder, with what is below it alone', { path: '/etc' }, ['/etc/ssh/sshd_config', '/etc/hosts']],
    ['a folder with its separator', { path: '/etc/' }, ['/etc/ssh/sshd_config', '/etc/hosts']],
    ['a folder of Windows', { path: 'C:\\Windows' }, ['C:\\Windows\\System32\\drivers\\etc\\hosts']],
    ['a pattern', { path: '/etc/*_config' }, ['/etc/ssh/sshd_config']],
    ['a pattern of one character', { path: '/srv/foo?.txt' }, ['/srv/foo1.txt']],
    ['a pattern with brackets, which are nothing special', { path: '/srv/foo[1]*' }, ['/srv/foo[1].txt']],
    [
      'a pattern without a beginning',
      { path: '*hosts' },
      ['C:\\Windows\\System32\\drivers\\etc\\hosts', '/etc/hosts'],
    ],
    ['the path before a move', { path: '/old' }, ['/new/name']],
    ['wildcards of SQL, which are nothing special', { path: '/etc%' }, []],
    ['a quote', { path: "/etc' OR '1'='1" }, []],
    ['a user', { user: 'bob' }, ['/srv/foo[1].txt']],
    [
      'a part of who did it, be it the login user',
      { actor: 'alice', path: '/srv' },
      ['/srv/foo1.txt', '/srv/foo[1].txt'],
    ],
    ['a part with a percent sign', { actor: '100%_' }, ['/etcetera']],
    ['a part with an underscore, which is itself alone', { actor: 'a_b' }, ['/etcetera']],
    ['an executable of a process', { actor: '/usr/bin/curl' }, ['process']],
    ['a rule', { rule: 'ssh' }, ['/etc/ssh/sshd_config']],
    ['an action', { action: 'deleted' }, ['/srv/foo1.txt']],
    [
      'a severity and worse',
      { severity: 'high' },
      ['C:\\Windows\\System32\\drivers\\etc\\hosts', '/etc/ssh/sshd_config'],
    ],
    ['a stream', { stream: 'edr' }, ['process']],
    ['a time', { since: at(4), until: at(5) }, ['/srv/foo1.txt', '/srv/foo[1].txt']],
    ['several at once', { path: '/srv', user: 'bob', severity: 'medium' }, ['/srv/foo[1].txt']],
    ['nothing that there is', { rule: 'none' }, []],
  ])('finds by %s', (_, filter, wanted) => {
    expect(paths(filter)).toEqual(wanted);
  });

  it('gives every event once over its pages, the newest first, whatever their size', () => {
    const all = admin().findEvents({ limit: 1_000 }).events;
    expect(all).toHaveLength(10);
    expect(all.map((event) => event.at)).toEqual(all.map((event) => event.at).sort((a, b) => b - a));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 11 }), fc.constantFrom(undefined, '/etc', '*'), (limit, path) => {
        const filter = { limit, ...(path === undefined ? {} : { path }) };
        const seen: number[] = [];
        for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
          const page = admin().findEvents({ ...filter, ...(cursor === undefined ? {} : { cursor }) });
          expect(page.events.length).toBeLessThanOrEqual(limit);
          seen.push(...page.events.map((event) => event.n));
          cursor = page.next;
        }
        expect(seen).toEqual(
          admin()
            .findEvents({ ...filter, limit: 1_000 })
            .events.map((event) => event.n),
        );
      }),
    );
  });

  it('never takes text of the administrator for SQL or for more than it says', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
    const glob = fc.stringMatching(/^[/*?[\]a-c%_'\\]{1,12}$/);
    fc.assert(
      fc.property(fc.oneof(text, glob), (path) => {
        const pattern = new RegExp(
          `^${path
            .replace(/[.+^${}()|[\]\\]/g, '\\$&')
            .replace(/\*+/g, '[^]*')
            .replace(/\?/g, '[^]')}$`,
          'u',
        );
        const wild = /[*?]/.test(path);
        for (const found of paths({ path })) {
          const hit =
            found === '/new/name'
              ? ['/new/name', '/old/name']
              : [found === 'process' ? '/usr/bin/curl' : found];
          expect(
            hit.some((one) => (wild ? pattern.test(one) : one.startsWith(path.replace(/[\\/]$/, '')))),
          ).toBe(true);
        }
      }),
    );
  });

  it.each<[string, EventFilter | Record<string, unknown>, RegExp]>([
    ['a limit of none', { limit: 0 }, /^limit: /],
    ['a limit of more', { limit: 1_001 }, /^limit: /],
    ['a time that is none', { since: 'yesterday' }, /^since: give a time/],
    ['a cursor that is none', { cursor: "1' OR 1" }, /^cursor: /],
    ['a path without end', { path: 'x'.repeat(5_000) }, /^path: /],
    ['a field that is none', { colour: 'red' }, /colour/],
    ['two paths', { path: ['/a', '/b'] }, /^path: /],
    ['a host that is none', { host: 'nobody' }, /there is no agent "nobody"/],
  ])('refuses %s', (_, filter, message) => {
    expect(() => admin().findEvents(filter)).toThrow(message);
  });

  it('takes a pattern that is made to be slow in little time', () => {
    const before = performance.now();
    expect(paths({ path: `${'*a'.repeat(2_000)}*b` })).toEqual([]);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});

describe('the API of events', () => {
  const get = async (path: string) => {
    const { adminUrl, adminToken, caPem } = fixture.platform;
    const reply = await request(`${adminUrl}${path}`, {
      headers: { authorization: `Bearer ${adminToken}` },
      dispatcher: new Pool({ connect: { ca: caPem } }),
    });
    return { status: reply.statusCode, body: (await reply.body.json()) as Record<string, unknown> };
  };

  it('gives pages, one event, and how the chains of a host stand', async () => {
    const first = (await get(`events?limit=1&path=${encodeURIComponent('/etc')}`)).body;
    expect(first).toMatchObject({
      events: [
        {
          agent: laptop.agentId,
          hostname: 'laptop-1',
          fault: null,
          event: { file: { path: '/etc/ssh/sshd_config' } },
        },
      ],
    });
    const rest = (await get(`events?path=/etc&cursor=${String(first['next'])}`)).body;
    expect(rest).toMatchObject({
      next: null,
      events: [{ agent: server.agentId }, { agent: laptop.agentId }],
    });
    expect((await get(`events/${SHARED}`)).body).toMatchObject({
      agent: laptop.agentId,
      event: { event: { id: SHARED } },
    });
    expect((await get(`agents/${laptop.agentId}/event-chains`)).body).toMatchObject({
      faults: [],
      streams: [
        { stream: 'edr', events: 1 },
        { stream: 'fim', events: 8, chain: { sequence: 8 } },
      ],
    });
  });

  it('finds by each filter what fulfils it, and nothing else', async () => {
    const wanted: readonly (readonly [Record<string, string>, readonly string[]])[] = [
      [{ host: server.agentId }, ['/etc/hosts']],
      [{ stream: 'edr' }, ['process']],
      [{ path: '/srv/foo?.txt' }, ['/srv/foo1.txt']],
      [{ actor: 'a_b' }, ['/etcetera']],
      [{ user: 'bob' }, ['/srv/foo[1].txt']],
      [{ rule: 'ssh' }, ['/etc/ssh/sshd_config']],
      [{ action: 'moved' }, ['/new/name']],
      [{ since: at(8) }, ['process', '/tmp/x']],
      [{ until: at(1) }, ['/etc/hosts', '/etc/hosts']],
      [{ severity: 'critical' }, ['C:\\Windows\\System32\\drivers\\etc\\hosts']],
      [{ path: '/srv', user: 'root', action: 'deleted', since: at(5), until: at(5) }, ['/srv/foo1.txt']],
      [{ path: '/srv', user: 'bob', action: 'deleted' }, []],
    ];
    for (const [filter, found] of wanted) {
      const { status, body } = await get(`events?${new URLSearchParams(filter).toString()}`);
      const events = body['events'] as readonly { event: unknown }[];
      expect({
        filter,
        status,
        found: events.map(({ event }) => pathOf(JSON.stringify(event))),
        next: body['next'],
      }).toEqual({ filter, status: 200, found, next: null });
    }
  });

  it.each([
    ['since', 'yesterday', /give a time such as/],
    ['until', '', /give a time such as/],
    ['severity', 'urgent', /expected one of "low"/],
    ['stream', 'all', /expected one of "fim"/],
    ['actor', '', /at least|>=1|small/i],
    ['limit', 'many', /number/],
    ['cursor', '1;2', /not one that this platform gave/],
    ['colour', 'red', /colour/],
  ])('names %s where its value is wrong', async (field, value, message) => {
    const { status, body } = await get(`events?${new URLSearchParams({ [field]: value }).toString()}`);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(field);
    expect(JSON.stringify(body).replaceAll('\\"', '"')).toMatch(message);
  });

  it('refuses what is wrong, and says that there is nothing', async () => {
    expect((await get('events?limit=9999')).status).toBe(400);
    expect((await get('events?path=a&path=b')).status).toBe(400);
    expect((await get('events/nonsense')).status).toBe(400);
    expect((await get(`events/${randomUUID()}`)).status).toBe(404);
    expect((await get('agents/nobody/event-chains')).status).toBe(404);
  });
});
