import { execFile } from 'node:child_process';
import {
  chownSync,
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import { FimChain } from '../../../test/support/host-events.ts';
import { because, noRoot } from '../../../test/support/reason.ts';
import type { AgentEvent, CycleRequest, ProfileReply, WatchLine } from '../../shared/control.ts';
import type { HostEvent } from '../../shared/host-events.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { ControlClient } from './client.ts';
import { openControl, type ControlServer, type ControlTarget } from './server.ts';

const CONTROL_ID = '3f0c1c9a-7d7b-4a39-9d15-2a3c1f9f6c01';

const CHANGED: AgentEvent = {
  name: 'changed',
  at: '2026-11-20T12:00:00Z',
  types: ['Inventory'],
  reason: 'r',
};

const PROFILE: ProfileReply = {
  id: 'p',
  name: 'Laptops',
  description: '',
  version: 3,
  preset: 'CUSTOM',
  parameters: [],
};

/** A core that holds still until a test moves it. */
class StillCore implements ControlTarget {
  current: AgentStatus = STATUS;
  readonly asked: CycleRequest[] = [];
  readonly watchers = new Set<Parameters<ControlTarget['watch']>[0]>();

  readonly status = () => this.current;
  readonly watch: ControlTarget['watch'] = (watcher) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
  readonly wishes: Parameters<ControlTarget['demandScan']>[0][] = [];
  answer: Awaited<ReturnType<ControlTarget['demandScan']>> = {
    accepted: { controlId: CONTROL_ID, type: 'Vulnerability', cpuLimitPct: 10 },
  };
  readonly demandScan: ControlTarget['demandScan'] = (wish) => {
    this.wishes.push(wish);
    return Promise.resolve(this.answer);
  };
  readonly profile: ControlTarget['profile'] = () => PROFILE;
  provision: ReturnType<ControlTarget['provisionNow']> = { state: 'trying' };
  readonly provisionNow = () => this.provision;
  fimEvents: string[] = [];
  readonly hostWatchers = new Set<(body: string) => void>();
  readonly hostEvents: ControlTarget['hostEvents'] = {
    of: (stream) => (stream === 'fim' ? this.fimEvents : []),
    watch: (_, watcher) => {
      this.hostWatchers.add(watcher);
      return () => this.hostWatchers.delete(watcher);
    },
  };
  recent: AgentEvent[] = [];
  readonly recentEvents = () => this.recent;
  readonly requestCycle: ControlTarget['requestCycle'] = (request) => {
    this.asked.push(request);
    return { accepted: ['Inventory'], refused: { SCA: 'no manifest' } };
  };
}

let directory: string;
let endpoints: { read: string; admin: string };
let core: StillCore;
let server: ControlServer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wayfarer-control-'));
  chmodSync(directory, 0o755);
  endpoints = { read: join(directory, 'read.sock'), admin: join(directory, 'admin.sock') };
  core = new StillCore();
  server = await openControl(endpoints, core);
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A call as any program could make it. */
function call(
  endpoint: string,
  method: string,
  path: string,
  body: Iterable<Buffer> | string = '',
): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const request = httpRequest({ socketPath: endpoint, method, path }, (response) => {
      answered = true;
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const value = JSON.parse(Buffer.concat(parts).toString()) as { error?: { code: string } };
        resolve({ status: response.statusCode ?? 0, code: value.error?.code ?? '' });
        request.destroy();
      });
    });
    request.on('error', (error) => {
      if (!answered) reject(error);
    });
    const parts = typeof body === 'string' ? [Buffer.from(body)][Symbol.iterator]() : body[Symbol.iterator]();
    const push = (): void => {
      for (let next = parts.next(); ; next = parts.next()) {
        if (next.done === true || answered) {
          request.end();
          return;
        }
        if (!request.write(next.value)) {
          request.once('drain', push);
          return;
        }
      }
    };
    push();
  });
}

describe('the endpoints', () => {
  it('are open to everyone and to the owner alone', () => {
    expect(lstatSync(endpoints.read).mode & 0o777).toBe(0o666);
    expect(lstatSync(endpoints.admin).mode & 0o777).toBe(0o600);
  });

  it('leave the umask as it was, and go when they are closed', async () => {
    const mask = process.umask(0o022);
    process.umask(mask);
    expect(mask).not.toBe(0o177);
    await server.close();
    expect(() => lstatSync(endpoints.read)).toThrow('ENOENT');
    expect(() => lstatSync(endpoints.admin)).toThrow('ENOENT');
  });

  it('replace what an agent that was killed left behind', async () => {
    await server.close();
    const abandoned = `require('node:net').createServer().listen(${JSON.stringify(endpoints.read)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await promisify(execFile)(process.execPath, ['-e', abandoned]).catch(() => undefined);
    expect(lstatSync(endpoints.read).isSocket()).toBe(true);
    server = await openControl(endpoints, core);
    expect((await new ControlClient(endpoints.read).status()).pid).toBe(STATUS.pid);
  });

  it('close the first when the second can not be opened', async () => {
    await server.close();
    mkdirSync(endpoints.read);
    await expect(openControl(endpoints, core)).rejects.toThrow();
    expect(() => lstatSync(endpoints.admin)).toThrow('ENOENT');
  });
});

describe('calls', () => {
  it('give the status on both endpoints', async () => {
    for (const endpoint of Object.values(endpoints)) {
      expect(await new ControlClient(endpoint).status()).toEqual(STATUS);
    }
  });

  it('give the profile in force and the recent events to everyone', async () => {
    core.recent = [CHANGED];
    const client = new ControlClient(endpoints.read);
    expect(await client.profile()).toEqual(PROFILE);
    expect(await client.events()).toEqual([CHANGED]);
  });

  it('ask for registering on the admin endpoint alone, and are told why not', async () => {
    await expect(new ControlClient(endpoints.read).provisionNow()).rejects.toMatchObject({
      code: 'ADMIN_ONLY',
    });
    expect(await new ControlClient(endpoints.admin).provisionNow()).toBe('trying');
    core.provision = { refused: 'NOT_CONFIGURED', reason: 'missing: CustomerId' };
    await expect(new ControlClient(endpoints.admin).provisionNow()).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: 'missing: CustomerId',
    });
  });

  it('of the administrator are refused on the read endpoint, whatever the request says', async () => {
    expect(await call(endpoints.read, 'POST', '/v1/cycle', '{}')).toEqual({
      status: 403,
      code: 'ADMIN_ONLY',
    });
    await expect(new ControlClient(endpoints.read).requestCycle({})).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('root') as string,
    });
    expect(core.asked).toEqual([]);
  });

  it('of the administrator reach the core on the admin endpoint', async () => {
    const client = new ControlClient(endpoints.admin);
    expect(await client.requestCycle({ types: ['Inventory', 'SCA'] })).toEqual({
      accepted: ['Inventory'],
      refused: { SCA: 'no manifest' },
    });
    expect(core.asked).toEqual([{ types: ['Inventory', 'SCA'] }]);
  });

  it('ask for a scan on either endpoint; the core learns which one it was', async () => {
    for (const endpoint of [endpoints.read, endpoints.admin]) {
      const reply = await new ControlClient(endpoint).scan({ type: 'Vulnerability', cpuLimitPct: 50 });
      expect(reply).toEqual({ controlId: CONTROL_ID, type: 'Vulnerability', cpuLimitPct: 10 });
    }
    expect(core.wishes.map(({ origin, cpuLimitPct }) => [origin, cpuLimitPct])).toEqual([
      ['user', 50],
      ['administrator', 50],
    ]);
  });

  it.each([
    ['SUSPENDED', 409],
    ['CPU_LIMIT', 403],
  ])('are told why a scan is refused: %s with %i', async (refused, status) => {
    core.answer = { refused, reason: 'because' };
    const body = JSON.stringify({ type: 'SCA' });
    expect(await call(endpoints.read, 'POST', '/v1/scan', body)).toEqual({ status, code: refused });
    await expect(new ControlClient(endpoints.read).scan({ type: 'SCA' })).rejects.toMatchObject({
      kind: 'refused',
      code: refused,
      message: 'because',
    });
  });

  it.each([
    { type: 'FIM' },
    { type: 'vm' },
    {},
    { type: 'SCA', cpuLimitPct: 1 },
    { type: 'SCA', cpuLimitPct: 101 },
    { type: 'SCA', cpuLimitPct: '50' },
    { type: 'SCA', origin: 'administrator' },
  ])('are refused a scan that makes no sense: %j', async (wish) => {
    const answer = await call(endpoints.admin, 'POST', '/v1/scan', JSON.stringify(wish));
    expect(answer).toEqual({ status: 400, code: 'BAD_REQUEST' });
    expect(core.wishes).toEqual([]);
  });

  it('in another version of the contract are refused before anything is done', async () => {
    const answer = await new Promise<{ status: number | undefined; spoken: unknown; body: string }>(
      (resolve, reject) => {
        const headers = { 'wayfarer-control': '2' };
        const request = httpRequest(
          { socketPath: endpoints.admin, method: 'POST', path: '/v1/cycle', headers },
          (response) => {
            response.setEncoding('utf8').once('data', (body: string) => {
              resolve({ status: response.statusCode, spoken: response.headers['wayfarer-control'], body });
            });
          },
        );
        request.on('error', reject).end('{}');
      },
    );
    expect(answer).toMatchObject({ status: 400, spoken: '1' });
    expect(answer.body).toContain('"VERSION"');
    expect(answer.body).toContain('version 1');
    expect(core.asked).toEqual([]);
  });

  it.each([
    ['GET', '/v1/nothing'],
    ['GET', '/v1/status?a'],
    ['DELETE', '/v1/status'],
    ['GET', '/__proto__'],
    ['POST', '/v1/watch'],
  ])('that do not exist are named so: %s %s', async (method, path) => {
    expect(await call(endpoints.admin, method, path)).toEqual({ status: 404, code: 'UNKNOWN' });
  });

  it.each(['{', '[]', '{"types":["Everything"]}', '{"types":"Inventory"}'])(
    'with a wrong body are refused: %s',
    async (body) => {
      expect(await call(endpoints.admin, 'POST', '/v1/cycle', body)).toEqual({
        status: 400,
        code: 'BAD_REQUEST',
      });
      expect(core.asked).toEqual([]);
    },
  );

  it('with a body of 100 MB are told so before it was taken', async () => {
    let taken = 0;
    function* flood(): Generator<Buffer> {
      for (; taken < 1600; taken += 1) yield Buffer.alloc(65_536);
    }
    expect(await call(endpoints.admin, 'POST', '/v1/cycle', flood())).toEqual({
      status: 413,
      code: 'TOO_LARGE',
    });
    expect(taken).toBeLessThan(200);
    expect((await new ControlClient(endpoints.admin).status()).pid).toBe(STATUS.pid);
  });

  it('that fail inside are not called the fault of the client', async () => {
    vi.spyOn(core, 'requestCycle').mockImplementation(() => {
      throw new Error('broken');
    });
    expect(await call(endpoints.admin, 'POST', '/v1/cycle', '{}')).toEqual({ status: 500, code: 'INTERNAL' });
  });

  it('survive bytes that are no HTTP', async () => {
    const socket = connect(endpoints.read);
    socket.on('error', () => undefined);
    socket.write('\u0000\u0001 rubbish\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect((await new ControlClient(endpoints.read).status()).pid).toBe(STATUS.pid);
  });
});

describe('watching', () => {
  it('begins with a snapshot, then tells every change in order, and ends with the watcher', async () => {
    const stop = new AbortController();
    const lines: WatchLine[] = [];
    for await (const line of new ControlClient(endpoints.read).watch(stop.signal)) {
      lines.push(line);
      if (lines.length === 1) {
        for (const watcher of core.watchers) {
          watcher.event(CHANGED);
          watcher.status({ ...STATUS, phase: 'scanning' });
        }
      }
      if (lines.length === 3) stop.abort();
    }
    expect(lines.map((line) => line.kind)).toEqual(['snapshot', 'event', 'status']);
    expect(lines[0]).toMatchObject({ version: 1, status: { phase: 'up to date' } });
    expect(lines[2]).toMatchObject({ status: { phase: 'scanning' } });
    await vi.waitFor(() => {
      expect(core.watchers.size).toBe(0);
    });
  });

  it('ends when the agent ends', async () => {
    let seen = 0;
    for await (const _ of new ControlClient(endpoints.read).watch()) {
      seen += 1;
      void server.close();
    }
    expect(seen).toBe(1);
  });

  it('drops a watcher that does not read, and no other', async () => {
    const slow = connect(endpoints.read);
    slow.write('GET /v1/watch HTTP/1.1\r\nhost: x\r\n\r\n');
    slow.pause();
    const gone = new Promise<void>((resolve) => slow.once('close', resolve));
    slow.on('error', () => undefined);
    await vi.waitFor(() => {
      expect(core.watchers.size).toBe(1);
    });
    const [stuck] = core.watchers;
    const big = { ...CHANGED, reason: 'x'.repeat(10_000) };
    for (let n = 0; n < 400 && core.watchers.size > 0; n += 1) stuck!.event(big);
    await vi.waitFor(() => {
      expect(core.watchers.size).toBe(0);
    });
    stuck!.event(big); // one more after the end harms nobody
    slow.resume();
    await gone;
    expect((await new ControlClient(endpoints.read).status()).pid).toBe(STATUS.pid);
  });
});

describe('the client', () => {
  it('says that no agent runs where there is no endpoint, or a dead one', async () => {
    await expect(new ControlClient(join(directory, 'none')).status()).rejects.toMatchObject({
      kind: 'not running',
    });
    writeFileSync(join(directory, 'dead'), '');
    await expect(new ControlClient(join(directory, 'dead')).status()).rejects.toMatchObject({
      kind: 'not running',
    });
  });

  it.skipIf(noRoot !== undefined)(
    `refuses an endpoint that belongs to another user${because(noRoot)}`,
    async () => {
      chownSync(endpoints.read, 65_534, 65_534);
      const refused = {
        kind: 'permission',
        message: expect.stringContaining('belongs to user 65534') as string,
      };
      await expect(new ControlClient(endpoints.read).status()).rejects.toMatchObject(refused);
      await expect(new ControlClient(endpoints.read).watch().next()).rejects.toMatchObject(refused);
    },
  );

  it.each([
    ['does not answer', 'timeout', () => undefined],
    [
      'answers a byte now and then',
      'timeout',
      (write: (text: string) => void) => setInterval(write, 20, ' '),
    ],
    ['answers no JSON', 'protocol', (_: unknown, end: (text: string) => void) => end('<html>')],
    [
      'answers what is no status',
      'protocol',
      (_: unknown, end: (text: string) => void) => end('{"pid":"x"}'),
    ],
    [
      'answers without end',
      'protocol',
      (_: unknown, end: (text: string) => void) => end('x'.repeat(5_000_000)),
    ],
  ] as const)('gives up on one that %s', async (_, kind, answer) => {
    const endpoint = join(directory, 'strange');
    const timers: NodeJS.Timeout[] = [];
    const strange = createServer((__, response) => {
      const timer = answer(
        (text) => response.write(text),
        (text) => response.end(text),
      );
      if (timer !== undefined && 'unref' in timer) timers.push(timer);
    });
    await new Promise<void>((resolve) => strange.listen(endpoint, resolve));
    await expect(new ControlClient(endpoint, 200).status()).rejects.toMatchObject({
      name: 'ControlFailure',
      kind,
    });
    timers.forEach((timer) => {
      clearInterval(timer);
    });
    strange.closeAllConnections();
    await new Promise((resolve) => strange.close(resolve));
  });
});

describe.skipIf(noRoot !== undefined)(`a user without rights${because(noRoot)}`, () => {
  it('reads the status, and gets nowhere near the admin endpoint', async () => {
    // A runtime that the user may execute: the one of the tests may lie in a closed directory.
    const node = join(directory, 'node');
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    const ask = async (endpoint: string): Promise<string> => {
      const program = `require('node:http').get({ socketPath: ${JSON.stringify(endpoint)}, path: '/v1/status' },
        (response) => { console.log(response.statusCode); response.resume(); }).on('error', (error) => console.log(error.code))`;
      const { stdout } = await promisify(execFile)(
        'setpriv',
        ['--reuid=65534', '--regid=65534', '--clear-groups', node, '-e', program],
        { cwd: '/' },
      );
      return stdout.trim();
    };
    expect(await ask(endpoints.read)).toBe('200');
    expect(await ask(endpoints.admin)).toBe('EACCES');
  });
});

describe('events of the host', () => {
  const chain = new FimChain();
  const [first, second] = [chain.next('/etc/passwd'), chain.next('/etc/shadow')];
  const pathsOf = (events: readonly HostEvent[]): (string | undefined)[] =>
    events.map((event) => event.file?.path);

  it('R199 are told to administrators, who get those of the past and every new one', async () => {
    core.fimEvents = [first];
    const client = new ControlClient(endpoints.admin);
    expect(pathsOf(await client.hostEvents('fim'))).toEqual(['/etc/passwd']);
    expect(await client.hostEvents('edr')).toEqual([]);
    const heard: HostEvent[] = [];
    for await (const line of client.watchHostEvents('fim')) {
      if ('event' in line) heard.push(line.event);
      if (heard.length === 1) for (const watcher of core.hostWatchers) watcher(second);
      if (heard.length === 2) break;
    }
    expect(pathsOf(heard)).toEqual(['/etc/passwd', '/etc/shadow']);
    await vi.waitFor(() => {
      expect(core.hostWatchers.size).toBe(0);
    });
  });

  it('are told to nobody else: command lines and names of files are not for everyone on a host', async () => {
    core.fimEvents = [first];
    for (const path of ['/v1/host-events/fim', '/v1/watch/fim', '/v1/watch/edr']) {
      expect(await call(endpoints.read, 'GET', path)).toEqual({ status: 403, code: 'ADMIN_ONLY' });
    }
    const client = new ControlClient(endpoints.read);
    await expect(client.hostEvents('fim')).rejects.toMatchObject({ code: 'ADMIN_ONLY' });
    await expect(client.watchHostEvents('fim').next()).rejects.toMatchObject({ code: 'ADMIN_ONLY' });
    expect(core.hostWatchers.size).toBe(0);
    expect(JSON.stringify(STATUS)).not.toContain('/etc/passwd');
  });

  it('are left out, and counted, for who reads more slowly than they come', async () => {
    const client = new ControlClient(endpoints.admin);
    const lines = client.watchHostEvents('fim');
    const next = lines.next();
    await vi.waitFor(() => {
      expect(core.hostWatchers.size).toBe(1);
    });
    const tell = (body: string): void => {
      for (const watcher of core.hostWatchers) watcher(body);
    };
    const large = chain.next(`/srv/${'x'.repeat(15_000)}`);
    for (let n = 0; n < 1_000; n += 1) tell(large);
    let events = 'event' in ((await next).value ?? {}) ? 1 : 0;
    let skipped = 0;
    let ticks = 0;
    const last = setInterval(() => {
      ticks += 1;
      tell(first);
    }, 20);
    for await (const line of lines) {
      if ('skipped' in line) skipped += line.skipped;
      else if (line.event.file?.path === '/etc/passwd') break;
      else events += 1;
    }
    clearInterval(last);
    expect(skipped).toBeGreaterThan(0);
    // The ticks that came while it was still behind were left out, too.
    expect(events + skipped).toBeGreaterThanOrEqual(1_000);
    expect(events + skipped).toBeLessThan(1_000 + ticks);
  });

  it('are called for by name: another stream is none', async () => {
    expect(await call(endpoints.admin, 'GET', '/v1/host-events/other')).toMatchObject({ status: 404 });
    expect(await call(endpoints.admin, 'POST', '/v1/host-events/fim')).toMatchObject({ status: 404 });
  });
});
