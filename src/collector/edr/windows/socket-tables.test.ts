import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSockets, SOCKET_TABLES } from './socket-tables.ts';

/** A table of rows of numbers of four bytes, little-endian. */
const tableOf = (...rows: readonly (readonly number[])[]): Buffer => {
  const bytes = Buffer.alloc(4 + 4 * rows.flat().length);
  bytes.writeUInt32LE(rows.length);
  rows.flat().forEach((value, at) => bytes.writeUInt32LE(value, 4 + 4 * at));
  return bytes;
};

/** Port 443 in network byte order. */
const HTTPS = 0xbb01;
const LOCALHOST = 0x0100_007f;
/** fe80::1 as four numbers in memory. */
const LINK_LOCAL = [0x80fe, 0, 0, 0x0100_0000];
const LISTEN = 2;

describe('a table of sockets of Windows', () => {
  it('R201 has the sockets of TCP over IPv4 and IPv6', () => {
    expect(
      decodeSockets(tableOf([LISTEN, LOCALHOST, HTTPS, 0, 0, 7], [LISTEN, 0, HTTPS, 0, 0, 8]), 'tcp'),
    ).toEqual([
      { transport: 'tcp', address: '127.0.0.1', port: 443, pid: 7 },
      { transport: 'tcp', address: '0.0.0.0', port: 443, pid: 8 },
    ]);
    const six = [...LINK_LOCAL, 9, HTTPS, 0, 0, 0, 0, 0, 0, LISTEN, 7];
    expect(decodeSockets(tableOf(six), 'tcp6')).toEqual([
      { transport: 'tcp', address: 'fe80::1', port: 443, pid: 7 },
    ]);
  });

  it('R201 has the sockets of UDP over IPv4 and IPv6', () => {
    expect(decodeSockets(tableOf([LOCALHOST, HTTPS, 7]), 'udp')).toEqual([
      { transport: 'udp', address: '127.0.0.1', port: 443, pid: 7 },
    ]);
    expect(decodeSockets(tableOf([...LINK_LOCAL, 9, HTTPS, 7]), 'udp6')).toEqual([
      { transport: 'udp', address: 'fe80::1', port: 443, pid: 7 },
    ]);
  });

  it('ends with its count, whatever comes behind', () => {
    expect(
      decodeSockets(Buffer.concat([tableOf([LOCALHOST, HTTPS, 7]), Buffer.alloc(999, 1)]), 'udp'),
    ).toHaveLength(1);
  });

  it('is refused where it counts more rows than it has, or has no count', () => {
    const lying = tableOf([LOCALHOST, HTTPS, 7]);
    lying.writeUInt32LE(2);
    expect(() => decodeSockets(lying, 'udp')).toThrow('a table of 2 rows in 16 bytes');
    lying.writeUInt32LE(0xffff_ffff);
    expect(() => decodeSockets(lying, 'tcp6')).toThrow('a table of 4294967295 rows');
    expect(() => decodeSockets(Buffer.alloc(3), 'tcp')).toThrow('a table of -1 rows in 3 bytes');
  });

  it('is read as a whole or refused, whatever bytes it has', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SOCKET_TABLES),
        fc.nat(12),
        fc.uint8Array({ maxLength: 400 }),
        (table, count, rest) => {
          const bytes = Buffer.concat([Buffer.from([count, 0, 0, 0]), rest]);
          const row = { tcp: 24, tcp6: 56, udp: 12, udp6: 28 }[table];
          if (count * row > rest.length) {
            expect(() => decodeSockets(bytes, table)).toThrow('a table of');
            return;
          }
          const sockets = decodeSockets(bytes, table);
          expect(sockets).toHaveLength(count);
          for (const { address, port, pid } of sockets) {
            expect(address).toMatch(table.endsWith('6') ? /^[\da-f:.]{2,45}$/ : /^\d+\.\d+\.\d+\.\d+$/);
            expect(port).toBeLessThanOrEqual(65_535);
            expect(pid).toBeLessThanOrEqual(0xffff_ffff);
          }
        },
      ),
    );
  });
});
