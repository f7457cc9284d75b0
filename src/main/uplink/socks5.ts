import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { readExactly } from './deadline.ts';
import { RouteError, type Failure } from './failure.ts';
import type { ProxyCredentials } from './proxy/candidate.ts';

/** The methods of RFC 1928, 3 that the agent speaks, and the proxy's "none of them". */
const NO_AUTHENTICATION = 0x00;
const USER_AND_PASSWORD = 0x02;
const NONE_ACCEPTABLE = 0xff;

/** Address types of RFC 1928, 5 and the length of their address. */
const IPV4 = 0x01;
const NAME = 0x03;
const IPV6 = 0x04;

/** What a proxy may answer (RFC 1928, 6). */
const REPLIES: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'TTL expired',
  7: 'command not supported',
  8: 'address type not supported',
};

/**
 * Asks a SOCKS5 proxy on a fresh connection for a way to `host`:`port` (RFC 1928). Names are sent as names, so that the
 * proxy resolves them. User and password (RFC 1929) go in clear, and only when the proxy chooses them. Rejects with a
 * `RouteError` that tells the proxy's answer, or with the socket's error; every read is bounded by the protocol.
 */
export async function connectSocks5(
  socket: Socket,
  target: { readonly host: string; readonly port: number },
  credentials: (() => Promise<ProxyCredentials | undefined>) | undefined,
  signal: AbortSignal,
): Promise<void> {
  const methods = credentials === undefined ? [NO_AUTHENTICATION] : [NO_AUTHENTICATION, USER_AND_PASSWORD];
  socket.write(Uint8Array.of(5, methods.length, ...methods));
  const [version, method = NONE_ACCEPTABLE] = await readExactly(socket, 2, signal);
  if (version !== 5) throw notSocks(version);
  if (method === USER_AND_PASSWORD && credentials !== undefined) {
    await authenticate(socket, await credentials(), signal);
  } else if (method !== NO_AUTHENTICATION) {
    const offered = credentials === undefined ? 'without credentials' : 'with user and password or none';
    throw refused('SOCKS_METHOD', `the proxy lets nobody through ${offered}`);
  }
  socket.write(Buffer.concat([Uint8Array.of(5, 1, 0), addressOf(target.host), portOf(target.port)]));
  await readReply(socket, signal);
}

async function authenticate(
  socket: Socket,
  credentials: ProxyCredentials | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (credentials === undefined) {
    throw refused('SOCKS_AUTHENTICATION', 'the proxy wants user and password, none are set for it');
  }
  const [user, password] = [field(credentials.username), field(credentials.password)];
  socket.write(Buffer.concat([Uint8Array.of(1), user, password]));
  const [, status] = await readExactly(socket, 2, signal);
  if (status !== 0) throw refused('SOCKS_AUTHENTICATION', 'the proxy refused user and password');
}

async function readReply(socket: Socket, signal: AbortSignal): Promise<void> {
  const [version, reply = 1, , type = 0] = await readExactly(socket, 4, signal);
  if (version !== 5) throw notSocks(version);
  if (reply !== 0) throw refused(`SOCKS_${reply}`, `the proxy answers: ${REPLIES[reply] ?? 'unknown code'}`);
  // The address it bound is of no use here, but has to be read.
  const length = await addressLength(socket, type, signal);
  await readExactly(socket, length + 2, signal);
}

async function addressLength(socket: Socket, type: number, signal: AbortSignal): Promise<number> {
  if (type === IPV4) return 4;
  if (type === IPV6) return 16;
  if (type === NAME) return (await readExactly(socket, 1, signal))[0] ?? 0;
  throw refused('PROXY_PROTOCOL', `the proxy answers with an address of the unknown type ${type}`);
}

/** Length and bytes of a field of RFC 1929: 1 to 255 bytes. */
function field(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length < 1 || bytes.length > 255) {
    throw refused('SOCKS_AUTHENTICATION', 'SOCKS5 takes user and password of 1 to 255 bytes each');
  }
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}

function addressOf(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from([IPV4, ...host.split('.').map(Number)]);
  if (isIP(host) === 6) return Buffer.concat([Uint8Array.of(IPV6), ipv6Bytes(host)]);
  const name = Buffer.from(host, 'latin1');
  if (name.length > 255) throw refused('SOCKS_NAME', 'SOCKS5 takes names of at most 255 bytes');
  return Buffer.concat([Uint8Array.of(NAME, name.length), name]);
}

/** The 16 bytes of an IPv6 address; its text has been checked by `isIP`. */
function ipv6Bytes(address: string): Buffer {
  // A URL writes every IPv6 address in one way: without zone, IPv4 tail or upper case.
  const { hostname } = new URL(`http://[${address}]/`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, n) => bytes.writeUInt16BE(group, n * 2));
  return bytes;
}

function portOf(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port);
  return bytes;
}

function notSocks(version: number | undefined): RouteError {
  return refused('PROXY_PROTOCOL', `the proxy does not speak SOCKS5 (first byte ${version ?? 'missing'})`);
}

function refused(code: string, reason: string): RouteError {
  return new RouteError({ kind: 'proxy', code, reason } satisfies Failure);
}
