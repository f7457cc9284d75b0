import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker } from 'dbus-native';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { because, noUnix } from '../../../../test/support/reason.ts';
import { busSocket, SystemBus } from './system-bus.ts';
import { FakeTime } from './testing/fake-time.ts';

describe('the address of the system bus', () => {
  it.each([
    ['unix:path=/run/dbus/system_bus_socket', '/run/dbus/system_bus_socket'],
    ['unix:path=/tmp/a%20b%2c,guid=0123', '/tmp/a b,'],
    ['unix:guid=0123,path=/tmp/bus', '/tmp/bus'],
    ['unix:abstract=/tmp/bus', '\0/tmp/bus'],
    ['tcp:host=127.0.0.1,port=1;unix:path=/tmp/bus', '/tmp/bus'],
  ])('%s names a Unix socket', (address, socket) => {
    expect(busSocket(address)).toBe(socket);
  });

  it.each([
    'unixexec:path=/bin/sh,argv1=-c',
    'tcp:host=127.0.0.1,port=1',
    'autolaunch:',
    'unix:tmpdir=/tmp',
    'unix:path=%zz',
    '/run/bus',
    '',
  ])('%s starts no program and connects to nothing', (address) => {
    expect(busSocket(address)).toBeUndefined();
  });
});

describe('a system bus that is not there', () => {
  it('is tried again after 1, 2, 4 s and so on up to a minute, and not after the end', async () => {
    const time = new FakeTime();
    const told: unknown[] = [];
    const bus = new SystemBus(time.clock, 'tcp:host=127.0.0.1,port=1');
    await bus.start({
      suspending: () => told.push('suspending'),
      woke: () => told.push('woke'),
      metered: (metered) => told.push(metered),
      up: () => told.push('up'),
      down: (reason) => told.push(reason),
    });
    expect(told).toEqual(['its address names no Unix socket']);
    const pauses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      pauses.push((time.clock.nextAt ?? 0) - time.clock.now());
      await time.pass(pauses.at(-1) ?? 0);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(told[1]).toBe('its address names no Unix socket');
    expect(told[2]).toBe('unknown');
    await bus.stop();
    expect(time.clock.nextAt).toBeUndefined();
  });
});

describe.skipIf(noUnix !== undefined)(`a system bus that comes and goes${because(noUnix)}`, () => {
  it('is tried soon again after it had been there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wf-bus-'));
    const socket = join(folder, 'socket');
    const time = new FakeTime();
    const said: string[] = [];
    const bus = new SystemBus(time.clock, `unix:path=${socket}`);
    let heard: () => void = () => undefined;
    const next = (): Promise<void> => new Promise((resolve) => (heard = resolve));
    await bus.start({
      suspending: () => undefined,
      woke: () => undefined,
      metered: () => undefined,
      up: () => undefined,
      down: (reason) => {
        said.push(reason);
        heard();
      },
    });
    for (const pause of [1_000, 2_000]) {
      const failed = next();
      await time.pass(pause);
      await failed;
    }
    const broker = createBroker();
    broker.listen({ socket });
    const there = next();
    await time.pass(4_000);
    await there;
    expect(said.at(-1)).toBe('logind is not running');
    await time.pass(0);
    const gone = next();
    broker.close();
    await gone;
    expect((time.clock.nextAt ?? 0) - time.clock.now()).toBe(1_000);
    await bus.stop();
    rmSync(folder, { recursive: true, force: true });
  });
});

describe.skipIf(noUnix !== undefined)(`something that is no bus behind the socket${because(noUnix)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-no-bus-'));
  const socket = join(folder, 'socket');
  const sockets: Socket[] = [];
  let server: Server | undefined;
  afterEach(async () => {
    for (const open of sockets.splice(0)) open.destroy();
    await new Promise((resolve) => server?.close(resolve));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the agent says of a server that does this with each connection. */
  async function saidOf(serve: (connection: Socket) => void): Promise<string[]> {
    const listening = createServer((connection) => {
      sockets.push(connection.on('error', () => undefined));
      serve(connection);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(socket, resolve));
    const said: string[] = [];
    const bus = new SystemBus(new FakeTime().clock, `unix:path=${socket}`, 200);
    await bus.start({
      suspending: () => said.push('suspending'),
      woke: () => said.push('woke'),
      metered: () => said.push('metered'),
      up: () => said.push('up'),
      down: (reason) => said.push(reason),
    });
    await bus.stop();
    return said;
  }

  const greet = (connection: Socket): void => {
    connection.once('data', () => connection.write('OK 0123456789abcdef0123456789abcdef\r\n'));
  };

  it.each<[string, (connection: Socket) => void, RegExp]>([
    ['says nothing', () => undefined, /no reply|time/i],
    ['closes at once', (connection) => connection.destroy(), /closed|EPIPE|ECONNRESET/i],
    [
      'refuses every login',
      (connection) => connection.on('data', () => connection.write('REJECTED\r\n')),
      /auth/i,
    ],
    ['says nothing after the login', greet, /no reply|time/i],
    [
      'talks nonsense after the login',
      (connection) => {
        greet(connection);
        connection.on('data', (text) => {
          if (text.includes('BEGIN')) connection.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      },
      /byte order/i,
    ],
    [
      'announces a message of a gigabyte',
      (connection) => {
        greet(connection);
        connection.on('data', (text) => {
          if (text.includes('BEGIN'))
            connection.write(Buffer.from('6c0100010000004001000000000000000000', 'hex'));
        });
      },
      /maximum size/i,
    ],
  ])('is left alone with its reason when it %s', async (_, serve, pattern) => {
    const said = await saidOf(serve);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(pattern);
  });
});
