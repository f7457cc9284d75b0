import { getSystemErrorName } from 'node:util';
import { loadKoffi } from './koffi.ts';

/** Numbers of errno that callers tell apart (errno(3), the same on every architecture that Node runs on). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ENOSYS: 38,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ENOBUFS: 105,
  ESTALE: 116,
  EXDEV: 18,
} as const;

/** open(2), poll(2), eventfd(2) as on Linux; `O_DIRECTORY` differs on 32-bit and 64-bit Arm and is not used. */
export const O = { RDONLY: 0, NONBLOCK: 0o4000, CLOEXEC: 0o2000000, PATH: 0o10000000 } as const;
export const POLL = { IN: 1, PRI: 2, OUT: 4, ERR: 8, HUP: 16, NVAL: 32 } as const;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

/** `revents` and `events` of one descriptor in an array of `struct pollfd`: int fd, short events, short revents. */
export const POLLFD_BYTES = 8;

/** A path for a call: its bytes and the NUL that ends them. */
export function pathBytes(path: string | Buffer): Buffer {
  const bytes = typeof path === 'string' ? Buffer.from(path) : path;
  if (bytes.includes(0)) throw new TypeError('a path must not have a NUL');
  return Buffer.concat([bytes, Buffer.of(0)]);
}

/** The name of what a call of this file gave below zero: `-13` is `EACCES`. */
export function errnoName(result: number): string {
  return result < 0 ? getSystemErrorName(result) : 'no error';
}

/** What is taken from the C library, by the name and parameters it has there. */
const SIGNATURES = {
  open: ['int', ['void *', 'int', 'uint32']],
  close: ['int', ['int']],
  read: ['intptr_t', ['int', 'void *', 'size_t']],
  write: ['intptr_t', ['int', 'void *', 'size_t']],
  poll: ['int', ['void *', 'unsigned long', 'int']],
  eventfd: ['int', ['uint32', 'int']],
  socket: ['int', ['int', 'int', 'int']],
  bind: ['int', ['int', 'void *', 'uint32']],
  setsockopt: ['int', ['int', 'int', 'int', 'void *', 'uint32']],
  send: ['intptr_t', ['int', 'void *', 'size_t', 'int']],
  recvfrom: ['intptr_t', ['int', 'void *', 'size_t', 'int', 'void *', 'void *']],
  readlink: ['intptr_t', ['void *', 'void *', 'size_t']],
  statfs: ['int', ['void *', 'void *']],
} as const satisfies Record<string, readonly [string, readonly string[]]>;

type Native = ((...args: unknown[]) => number) & { readonly async: (...args: unknown[]) => void };

/** A function of the C library. Gives its result, or the negative number of the error where it gives -1 (as the kernel does). */
export type Call = (...args: unknown[]) => number;

/** Binds any function of the C library that gives -1 and errno on failure. Throws where the library lacks it. */
export function bindCall(name: string, result: string, args: readonly string[]): Call {
  const koffi = loadKoffi();
  const native = koffi.load(null).func(name, result, [...args]) as Native;
  return (...given) => {
    const value = native(...given);
    return value === -1 ? -koffi.errno() : value;
  };
}

/**
 * Calls of the C library without a copy or a thread in between. Each gives what the man page says, or `-errno` where that
 * says -1: what is expected (EAGAIN) is a value, not an exception. Buffers are used where they are, and only during the call.
 */
export interface Libc {
  /** open(2) with O_CLOEXEC. `path` as `pathBytes` makes it. */
  readonly open: (path: Buffer, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly read: (fd: number, into: Buffer) => number;
  readonly write: (fd: number, bytes: Buffer) => number;
  /** eventfd(2), not blocking. */
  readonly eventfd: () => number;
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Buffer) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Buffer) => number;
  readonly send: (fd: number, bytes: Buffer, flags: number) => number;
  /** recvfrom(2); the sender's address is written to `address`. */
  readonly recvfrom: (fd: number, into: Buffer, flags: number, address: Buffer) => number;
  readonly readlink: (path: Buffer, into: Buffer) => number;
  /** statfs(2); `into` takes `struct statfs`, 120 bytes on 64-bit Linux. */
  readonly statfs: (path: Buffer, into: Buffer) => number;
  /** poll(2) at once: what is ready now. */
  readonly pollNow: (fds: Buffer) => number;
  /**
   * poll(2) in a thread of libuv's pool, until something is ready or `timeoutMs` is over (-1: never). `done` gets -1 on
   * failure, without errno, which stays in that thread. `fds` must live until then.
   */
  readonly pollInThread: (fds: Buffer, timeoutMs: number, done: (result: number) => void) => void;
}

let libc: Libc | undefined;

/** The C library of this process. Throws off Linux and where koffi has no binary. */
export function loadLibc(): Libc {
  libc ??= bindLibc();
  return libc;
}

function bindLibc(): Libc {
  if (process.platform !== 'linux') throw new Error(`no bindings for ${process.platform}`);
  const call = (name: keyof typeof SIGNATURES): Call =>
    bindCall(name, SIGNATURES[name][0], SIGNATURES[name][1]);
  const [open, read, write, bind] = [call('open'), call('read'), call('write'), call('bind')];
  const [close, eventfd, socket, send] = [call('close'), call('eventfd'), call('socket'), call('send')];
  const [setsockopt, recvfrom, readlink] = [call('setsockopt'), call('recvfrom'), call('readlink')];
  const [statfs, pollNow] = [call('statfs'), call('poll')];
  const poll = loadKoffi()
    .load(null)
    .func('poll', SIGNATURES.poll[0], [...SIGNATURES.poll[1]]) as Native;
  return {
    open: (path, flags) => open(path, flags | O.CLOEXEC, 0),
    close: (fd) => close(fd),
    read: (fd, into) => read(fd, into, into.length),
    write: (fd, bytes) => write(fd, bytes, bytes.length),
    eventfd: () => eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    socket: (domain, type, protocol) => socket(domain, type, protocol),
    bind: (fd, address) => bind(fd, address, address.length),
    setsockopt: (fd, level, name, value) => setsockopt(fd, level, name, value, value.length),
    send: (fd, bytes, flags) => send(fd, bytes, bytes.length, flags),
    recvfrom: (fd, into, flags, address) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(address.length);
      return recvfrom(fd, into, into.length, flags, address, length);
    },
    readlink: (path, into) => readlink(path, into, into.length),
    statfs: (path, into) => statfs(path, into),
    pollNow: (fds) => pollNow(fds, fds.length / POLLFD_BYTES, 0),
    pollInThread: (fds, timeoutMs, done) => {
      poll.async(fds, fds.length / POLLFD_BYTES, timeoutMs, (error: Error | null, result: number) => {
        // `fds` is named here so that its memory stays until the call has ended.
        done(error === null && fds.length > 0 ? result : -1);
      });
    },
  };
}
