import { formatIpv6 } from '../../linux/sockets.ts';
import { loadKoffi } from '../../native/koffi.ts';
import type { Endpoint } from '../side-records.ts';

/*
 * Sockets that listen, with who holds them: GetExtendedTcpTable and GetExtendedUdpTable (iphlpapi.h). The rows are
 * MIB_TCPROW_OWNER_PID, MIB_TCP6ROW_OWNER_PID (tcpmib.h), MIB_UDPROW_OWNER_PID and MIB_UDP6ROW_OWNER_PID (udpmib.h); all of
 * their fields have four bytes or are arrays of bytes, so that there is no padding.
 */

/** The tables that Windows keeps. */
export const SOCKET_TABLES = ['tcp', 'tcp6', 'udp', 'udp6'] as const;
export type SocketTable = (typeof SOCKET_TABLES)[number];

/** A socket that listens; `pid` is 0 where Windows does not know who holds it. */
export interface OwnedSocket extends Endpoint {
  readonly pid: number;
}

interface Layout {
  /** Length of a row, and where its fields are, bytes. */
  readonly row: number;
  readonly address: number;
  readonly port: number;
  readonly pid: number;
}

const LAYOUTS: Readonly<Record<SocketTable, Layout>> = {
  tcp: { row: 24, address: 4, port: 8, pid: 20 },
  tcp6: { row: 56, address: 0, port: 20, pid: 52 },
  udp: { row: 12, address: 0, port: 4, pid: 8 },
  udp6: { row: 28, address: 0, port: 20, pid: 24 },
};
const COUNT_BYTES = 4;

/** ws2def.h, iprtrmib.h, winerror.h. */
const AF_INET = 2;
const AF_INET6 = 23;
const TCP_TABLE_OWNER_PID_LISTENER = 3;
const UDP_TABLE_OWNER_PID = 1;
const ERROR_INSUFFICIENT_BUFFER = 122;

/** Bytes that are tried first, and room for what opens between two calls; most that a table may have: 75,000 rows of the longest. */
const FIRST_BYTES = 16 * 1024;
const SPARE_BYTES = 4 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_CALLS = 5;

type Ask = (table: Buffer, size: [number], order: 0, family: number, kind: number, reserved: 0) => number;

/** The sockets in a table. Throws where it says that it has more rows than bytes for them. */
export function decodeSockets(bytes: Buffer, table: SocketTable): OwnedSocket[] {
  const { row, address, port, pid } = LAYOUTS[table];
  const count = bytes.length < COUNT_BYTES ? -1 : bytes.readUInt32LE(0);
  if (count < 0 || count > (bytes.length - COUNT_BYTES) / row) {
    throw new Error(`a table of ${String(count)} rows in ${String(bytes.length)} bytes`);
  }
  return Array.from({ length: count }, (_, index): OwnedSocket => {
    const start = COUNT_BYTES + index * row;
    return {
      transport: table.startsWith('tcp') ? 'tcp' : 'udp',
      address: addressOf(bytes.subarray(start + address), table),
      // In network byte order; the upper 16 bits may be anything.
      port: bytes.readUInt16BE(start + port),
      pid: bytes.readUInt32LE(start + pid),
    };
  });
}

/** Loads iphlpapi.dll, or the library of that name in a test. Throws off Windows; what it gives throws why a table can't be read. */
export function loadSocketTables(library = 'iphlpapi.dll'): (table: SocketTable) => OwnedSocket[] {
  const iphlpapi = loadKoffi().load(library);
  const load = (name: string): Ask =>
    iphlpapi.func(
      `uint32 __stdcall ${name}(void *table, _Inout_ uint32 *size, int32 order, uint32 family, int32 kind, uint32 reserved)`,
    );
  const [tcp, udp] = [load('GetExtendedTcpTable'), load('GetExtendedUdpTable')];
  return (table) => {
    const family = table.endsWith('6') ? AF_INET6 : AF_INET;
    const bytes = table.startsWith('tcp')
      ? whole((into, size) => tcp(into, size, 0, family, TCP_TABLE_OWNER_PID_LISTENER, 0))
      : whole((into, size) => udp(into, size, 0, family, UDP_TABLE_OWNER_PID, 0));
    return decodeSockets(bytes, table);
  };
}

/** Asks until the table fits: it may grow between two calls. */
function whole(ask: (into: Buffer, size: [number]) => number): Buffer {
  let room = FIRST_BYTES;
  for (let call = 0; call < MOST_CALLS; call += 1) {
    const into = Buffer.alloc(room);
    const size: [number] = [room];
    const error = ask(into, size);
    if (error === 0) return into;
    if (error !== ERROR_INSUFFICIENT_BUFFER) throw new Error(`error ${String(error)}`);
    room = Math.max(size[0], room) + SPARE_BYTES;
    if (room > MOST_BYTES) throw new Error(`a table of ${String(size[0])} bytes`);
  }
  throw new Error('it grows faster than it can be read');
}

function addressOf(bytes: Buffer, table: SocketTable): string {
  return table.endsWith('6') ? formatIpv6([...bytes.subarray(0, 16)]) : bytes.subarray(0, 4).join('.');
}
