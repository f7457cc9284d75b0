import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startSigningServer } from '../../test/support/signing-server.ts';
import { ServiceHost } from './testing/service-host.ts';

let host: ServiceHost;
beforeEach(() => {
  host = new ServiceHost();
});

describe('the sockets of the service', { timeout: 60_000 }, () => {
  it('R001 R002 speaks outwards to its platform over TLS, and has no other internet socket, none that listens', async () => {
    const server = await startSigningServer();
    try {
      const { child, asked } = host.startAgainst(server);
      await asked;
      const status = await host.answering();
      expect(status.pid).toBe(child.pid);
      const agent = internetSockets(child.pid ?? 0);
      expect(agent.map((socket) => socket.remotePort)).toEqual(agent.map(() => server.port));
      expect(agent.length).toBeGreaterThan(0);
      expect(agent.filter((socket) => socket.listens)).toEqual([]);
      expect(internetSockets(status.collector.pid ?? 0)).toEqual([]);
      // The look itself finds one that listens where there is one: the platform of this test.
      expect(internetSockets(process.pid).filter((socket) => socket.listens)).not.toEqual([]);
    } finally {
      await server.close();
    }
  });
});

/** The internet sockets of a process: those of its network (proc(5), /proc/pid/net) whose inode it has open. */
function internetSockets(pid: number): { listens: boolean; remotePort: number }[] {
  const own = new Set(socketsOf(pid));
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => own.has(fields[9] ?? ''))
      .map(([, , remote = '', state]) => ({
        listens: state === '0A',
        remotePort: Number.parseInt(remote.split(':')[1] ?? '', 16),
      })),
  );
}

/** Inodes of the sockets that a process has open. */
function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, name)))?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });
}
