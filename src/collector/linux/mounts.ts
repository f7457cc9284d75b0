import { statfsSync } from 'node:fs';
import { readText } from '../files.ts';
import { hostPath } from '../open-file.ts';
import { hostPathBytes } from '../text.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';

/** Filesystems without content of their own. */
const PSEUDO = new Set(
  (
    'autofs bdev binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devpts devtmpfs efivarfs fuse.gvfsd-fuse ' +
    'fuse.lxcfs fuse.portal fuse.snapfuse fusectl hugetlbfs mqueue nsfs proc pstore ramfs resctrl rpc_pipefs ' +
    'securityfs selinuxfs smackfs sysfs tmpfs tracefs'
  ).split(' '),
);

/** Layers and namespaces of containers, snaps, sessions: they come and go with what runs. */
const PASSING =
  /^\/(?:var\/lib\/(?:docker|containers|containerd|kubelet|snapd|flatpak)|snap|run\/(?:user|docker|containerd|netns|snapd)|proc|sys|dev)(?:\/|$)|\/containers\/storage\/overlay/;

/** Filesystems on which size is a property of the disk; asking others may hang (network) or give a moving value. */
const FIXED = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'f2fs', 'vfat', 'exfat', 'ntfs', 'ntfs3', 'fuseblk']);

/** A field of mounts: blanks and backslashes are written in octal (fstab(5)). */
const unescape = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

function capacityOf(context: ReadContext, path: string, fsType: string): number | null {
  if (!FIXED.has(fsType)) return null;
  try {
    const { blocks, bsize } = statfsSync(hostPathBytes(hostPath(context, path)), { bigint: true });
    return Number(blocks * bsize);
  } catch {
    return null;
  }
}

/** The row of a line of /proc/mounts; `undefined` for what does not last. */
function mountRow(context: ReadContext, line: string): KeyedRow | undefined {
  const [device = '', rawPath = '', fsType = '', options = ''] = line.split(' ');
  const path = unescape(rawPath);
  if (!path.startsWith('/') || PSEUDO.has(fsType) || PASSING.test(path)) return undefined;
  const row = {
    path,
    device: unescape(device),
    fsType,
    options: options.split(',').sort().join(','),
    label: null,
    capacityBytes: capacityOf(context, path, fsType),
  };
  return { key: path, row };
}

/** Mounts as the first process sees them, since a service may live in a namespace of its own; else as this one does. */
function mountsText(context: ReadContext): string | undefined {
  try {
    return readText(context, '/proc/1/mounts') ?? readText(context, '/proc/self/mounts');
  } catch {
    return readText(context, '/proc/self/mounts');
  }
}

/** Of several filesystems mounted over one another the last one is what a path leads to. */
function* readMounts(context: ReadContext): Generator<KeyedRow> {
  const text = mountsText(context);
  if (text === undefined) throw new Unreadable('/proc/self/mounts: ENOENT');
  const rows = new Map<string, KeyedRow>();
  for (const line of text.split('\n')) {
    const row = mountRow(context, line);
    if (row !== undefined) rows.set(row.key, row);
  }
  yield* rows.values();
}

export const mountsLinux: Reader = { source: '/proc/1/mounts, statfs(2)', root: 'partly', read: readMounts };
