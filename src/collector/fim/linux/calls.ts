import { bindCall, loadLibc, O, pathBytes, type Libc } from '../../native/libc.ts';
import { HANDLE_HEADER_BYTES, MAX_HANDLE_BYTES } from './fanotify-abi.ts';

const AT_FDCWD = -100;
/** name_to_handle_at(2): the descriptor itself; and a handle that only identifies, since Linux 6.5. */
const AT_EMPTY_PATH = 0x1000;
const AT_HANDLE_FID = 0x200;

/** System calls of the new mount interface: one number on every architecture that Node runs on. */
const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, CMD_CREATE: 6 } as const;
/** mount_setattr(2): read-only, nosuid, nodev, noexec. */
const MOUNT_ATTR_CLOSED = 1 | 2 | 4 | 8;

/** Offset of `f_fsid` in `struct statfs` of 64-bit Linux, and the size of the struct. */
const STATFS_FSID = 56;
const STATFS_BYTES = 120;
const PATH_MAX = 4_096;

/** What is asked of the kernel. Every call gives its result, or `-errno`. */
export interface FanotifyCalls {
  readonly libc: Libc;
  readonly init: (flags: number) => number;
  /** fanotify_mark(2) of a path; `dirfd` is what a relative one starts at. */
  readonly mark: (
    group: number,
    flags: number,
    mask: number,
    path: string | Buffer,
    dirfd?: number,
  ) => number;
  /** open_by_handle_at(2) with O_PATH, or to be marked. `anchor` is a descriptor on the same mount. */
  readonly openByHandle: (anchor: number, handle: Buffer, flags?: number) => number;
  /** name_to_handle_at(2) of a descriptor: `struct file_handle`, or `-errno`. */
  readonly handleOf: (fd: number) => Buffer | number;
  /** `f_fsid` of statfs(2) as in events, one character per byte, or `-errno`. */
  readonly fsid: (path: string | Buffer) => string | number;
  /** What the kernel calls an open descriptor: bytes of the link in /proc/self/fd, or `-errno`. */
  readonly nameOf: (fd: number) => Buffer | number;
  /** A mount of a filesystem that nobody sees: a descriptor of its root, or `-errno`. `-ENOSYS` before Linux 5.2. */
  readonly mountDetached: (
    type: string,
    source: string,
    options: Readonly<Record<string, string | true>>,
  ) => number;
}

/** Binds the calls. Throws off Linux and where the C library lacks one. */
export function loadFanotifyCalls(): FanotifyCalls {
  const libc = loadLibc();
  const init = bindCall('fanotify_init', 'int', ['uint32', 'uint32']);
  const mark = bindCall('fanotify_mark', 'int', ['int', 'uint32', 'uint64', 'int', 'void *']);
  const openBy = bindCall('open_by_handle_at', 'int', ['int', 'void *', 'int']);
  const toHandle = bindCall('name_to_handle_at', 'int', ['int', 'void *', 'void *', 'void *', 'int']);
  const link = Buffer.allocUnsafeSlow(PATH_MAX * 2);
  return {
    libc,
    init: (flags) => init(flags, O.RDONLY | O.CLOEXEC),
    mark: (group, flags, mask, path, dirfd = AT_FDCWD) => mark(group, flags, mask, dirfd, pathBytes(path)),
    openByHandle: (anchor, handle, flags = O.PATH) => openBy(anchor, handle, flags | O.CLOEXEC),
    handleOf: (fd) => {
      const into = Buffer.alloc(HANDLE_HEADER_BYTES + MAX_HANDLE_BYTES);
      into.writeUInt32LE(MAX_HANDLE_BYTES);
      const [empty, mountId] = [Buffer.alloc(1), Buffer.alloc(4)];
      const result = [AT_EMPTY_PATH | AT_HANDLE_FID, AT_EMPTY_PATH].reduce(
        (before, flags) => (before < 0 ? toHandle(fd, empty, into, mountId, flags) : before),
        -1,
      );
      return result < 0 ? result : into.subarray(0, HANDLE_HEADER_BYTES + into.readUInt32LE(0));
    },
    fsid: (path) => {
      const into = Buffer.alloc(STATFS_BYTES);
      const result = libc.statfs(pathBytes(path), into);
      return result < 0 ? result : into.toString('latin1', STATFS_FSID, STATFS_FSID + 8);
    },
    nameOf: (fd) => {
      const length = libc.readlink(pathBytes(`/proc/self/fd/${fd}`), link);
      return length < 0 ? length : link.subarray(0, length);
    },
    mountDetached: (type, source, options) => mountDetached(libc, type, { source, ...options }),
  };
}

function mountDetached(libc: Libc, type: string, options: Readonly<Record<string, string | true>>): number {
  const args = ['long', 'long', 'long', 'void *', 'void *', 'long'];
  const pointers = bindCall('syscall', 'long', args);
  const numbers = bindCall('syscall', 'long', ['long', 'long', 'long', 'long']);
  const open = bindCall('syscall', 'long', ['long', 'void *', 'long']);
  const context = open(SYS.fsopen, pathBytes(type), FSOPEN_CLOEXEC);
  if (context < 0) return context;
  let result = 0;
  for (const [key, value] of Object.entries(options)) {
    const flag = value === true;
    if (result < 0) break;
    result = pointers(
      ...[SYS.fsconfig, context, flag ? FSCONFIG.SET_FLAG : FSCONFIG.SET_STRING],
      ...[pathBytes(key), flag ? null : pathBytes(value), 0],
    );
  }
  if (result >= 0) result = pointers(SYS.fsconfig, context, FSCONFIG.CMD_CREATE, null, null, 0);
  if (result >= 0) result = numbers(SYS.fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_CLOSED);
  libc.close(context);
  return result;
}
