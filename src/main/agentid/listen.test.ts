import type { Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { bindPorts, type Bound, type OpenPort } from './listen.ts';
import { exchange } from './testing/client.ts';
import { freePorts, holdPort } from './testing/ports.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function bind(ports: readonly number[], bindAll = false, opener?: OpenPort): Promise<Bound> {
  const bound = await bindPorts({ ports, bindAll }, (socket) => socket.end('here'), opener);
  open.push(...bound.servers.map((server: Server) => () => new Promise((done) => server.close(done))));
  return bound;
}
async function hold(port: number, host?: string): Promise<void> {
  open.push((await holdPort(port, host)).release);
}

describe('binding the ports', () => {
  it('R272 takes the lowest port of the list and leaves the others free', async () => {
    const ports = await freePorts(3);
    expect(await bind(ports)).toMatchObject({ ports: [ports[0]], taken: [] });
    await hold(ports[1] ?? 0);
  });

  it.each(['::', '0.0.0.0', '127.0.0.1'])(
    'R272 goes on to the next port where another program has the lowest on %s',
    async (host) => {
      const ports = await freePorts(3);
      await hold(ports[0] ?? 0, host);
      expect(await bind(ports)).toMatchObject({
        ports: [ports[1]],
        taken: [{ port: ports[0], code: 'EADDRINUSE' }],
      });
    },
  );

  it('R273 takes every port of the list with Bind All, but for those that are taken', async () => {
    const ports = await freePorts(4);
    await hold(ports[2] ?? 0);
    const bound = await bind(ports, true);
    expect(bound.ports).toEqual(ports.filter((_, at) => at !== 2));
    expect(bound.taken).toEqual([{ port: ports[2], code: 'EADDRINUSE' }]);
    for (const port of bound.ports) expect((await exchange(port, '')).text).toBe('here');
  });

  it('goes on after a connection that the system could not hand over', async () => {
    const ports = await freePorts(1);
    const [server] = (await bind(ports)).servers;
    // As Node reports what accept(2) refuses.
    server?.emit('error', new Error('accept ENFILE'));
    expect((await exchange(ports[0] ?? 0, '')).text).toBe('here');
  });

  it('R272 says of every port why it has none when all are taken', async () => {
    const ports = await freePorts(2);
    for (const port of ports) await hold(port);
    expect(await bind(ports)).toEqual({
      servers: [],
      ports: [],
      taken: ports.map((port) => ({ port, code: 'EADDRINUSE' })),
    });
  });

  it('answers over IPv4 and over IPv6', async () => {
    const [port = 0] = (await bind(await freePorts(1))).ports;
    expect((await exchange(port, '', '127.0.0.1')).text).toBe('here');
    expect((await exchange(port, '', '::1')).text).toBe('here');
  });

  it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])(
    'takes IPv4 alone where IPv6 fails with %s',
    async (code) => {
      const tried: string[] = [];
      const withoutIpv6: OpenPort = (_, __, host) => {
        tried.push(host);
        return host === '::' ? Promise.reject(Object.assign(new Error(), { code })) : Promise.resolve();
      };
      const bound = await bindPorts({ ports: [10001], bindAll: false }, () => undefined, withoutIpv6);
      expect([bound.ports, tried]).toEqual([[10001], ['::', '0.0.0.0']]);
    },
  );

  it('does not take half of a port whose other half is another program’s', async () => {
    const [port = 0] = await freePorts(1);
    await hold(port, '0.0.0.0');
    expect((await bind([port])).ports).toEqual([]);
  });
});
