import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import type { AgentEvent } from '../../shared/control.ts';
import { ControlClient } from './client.ts';
import { openControl, type ControlServer, type ControlTarget } from './server.ts';

/* Clients that mean no good, or are broken: each is bounded, and everybody else is served meanwhile. */

let directory: string;
let endpoints: { read: string; admin: string };
let server: ControlServer;
let watchers: Set<Parameters<ControlTarget['watch']>[0]>;
let sockets: Socket[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wf-hostile-'));
  endpoints = { read: join(directory, 'read.sock'), admin: join(directory, 'admin.sock') };
  watchers = new Set();
  sockets = [];
  server = await openControl(endpoints, {
    status: () => STATUS,
    watch: (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    profile: () => {
      throw new Error('nobody asked for it');
    },
    recentEvents: () => [],
    hostEvents: { of: () => [], watch: () => () => undefined },
    provisionNow: () => ({ state: 'trying' }),
    requestCycle: () => ({ accepted: [], refused: {} }),
    demandScan: () => Promise.reject(new Error('nobody asked for it')),
  });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A connection that sends this and then waits; what it was answered, and whether it is closed. */
function open(endpoint: string, text = ''): { socket: Socket; answer: () => string; closed: Promise<void> } {
  const socket = connect(endpoint);
  sockets.push(socket);
  let seen = '';
  const closed = new Promise<void>((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined).on('data', (part: Buffer) => (seen += part.toString()));
  socket.write(text);
  return { socket, answer: () => seen, closed };
}

const status = (endpoint = endpoints.read): Promise<number> =>
  new ControlClient(endpoint).status().then(({ pid }) => pid);

describe('a client of the control channel', () => {
  it('that announces 100 MB is refused before they come', async () => {
    const { answer } = open(
      endpoints.read,
      `POST /v1/scan HTTP/1.1\r\nhost: x\r\ncontent-length: 104857600\r\n\r\n${'x'.repeat(70_000)}`,
    );
    await vi.waitFor(() => {
      expect(answer()).toMatch(/^HTTP\/1.1 413 [\s\S]*TOO_LARGE/);
    });
    expect(await status()).toBe(STATUS.pid);
  });

  it('that opens a thousand connections gets 64 of them, and takes none from the administrator', async () => {
    const flood = Array.from({ length: 1_000 }, () => open(endpoints.read));
    let dropped = 0;
    for (const { closed } of flood) void closed.then(() => (dropped += 1));
    await vi.waitFor(() => {
      expect(dropped).toBe(1_000 - 64);
    });
    expect(await status(endpoints.admin)).toBe(STATUS.pid);
    flood[0]?.socket.destroy();
    const waiting = flood.filter(({ socket }) => !socket.destroyed);
    for (const { socket } of waiting) socket.destroy();
    await vi.waitFor(async () => {
      expect(await status()).toBe(STATUS.pid);
    });
  });

  it('that sends a thousand requests at once keeps nobody from an answer', async () => {
    const flood = open(endpoints.read, 'GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000));
    expect(await status()).toBe(STATUS.pid);
    await vi.waitFor(() => {
      expect(flood.answer().match(/HTTP\/1.1 200/g)).toHaveLength(1_000);
    });
  });

  it('that stops in the middle of a request holds its own connection alone', async () => {
    for (const text of [
      'GET /v1/sta',
      'POST /v1/cycle HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"ty',
    ]) {
      open(endpoints.admin, text);
    }
    expect(await status(endpoints.admin)).toBe(STATUS.pid);
  });

  it('that reads too slowly is dropped alone, and begins with a fresh snapshot when it returns', async () => {
    const slow = open(endpoints.read, 'GET /v1/watch HTTP/1.1\r\nhost: x\r\n\r\n');
    await vi.waitFor(() => {
      expect(watchers.size).toBe(1);
    });
    slow.socket.pause();
    const others = new ControlClient(endpoints.read).watch();
    expect((await others.next()).value).toMatchObject({ kind: 'snapshot' });
    const event: AgentEvent = {
      name: 'changed',
      at: '2026-11-20T12:00:00Z',
      types: [],
      reason: 'x'.repeat(10_000),
    };
    let read = 0;
    for (let sent = 1; watchers.size === 2 && sent < 400; sent += 1) {
      for (const watcher of watchers) watcher.event(event);
      if ((await others.next()).value !== undefined) read += 1;
      expect(read).toBe(sent);
    }
    expect(read).toBeGreaterThan(100); // about a megabyte: the buffer's bound
    expect(watchers.size).toBe(1);
    const again = new ControlClient(endpoints.read).watch();
    expect((await again.next()).value).toMatchObject({ kind: 'snapshot', status: { pid: STATUS.pid } });
    await Promise.all([others.return(), again.return()]);
  });
});
