import type { Mount, MountTable } from './mount-table.ts';

/** Filesystems of the kernel itself: what is read there is made while it is read. */
const KERNEL = new Set(
  (
    'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts efivarfs fusectl hugetlbfs mqueue nsfs pipefs proc ' +
    'pstore rpc_pipefs securityfs selinuxfs sockfs sysfs tracefs'
  ).split(' '),
);
/** Filesystems whose server may be away, or belong to a user: a call could wait for ever. */
const REMOTE =
  /^(fuse|fuse\..*|nfs|nfs4|cifs|smb3|smbfs|ceph|9p|afs|coda|glusterfs|lustre|virtiofs|gfs2|ocfs2)$/;

/** Whether a filesystem of this type (third field from the dash of mountinfo) shows the kernel and no disk. */
export const showsKernel = (type: string): boolean => KERNEL.has(type);

/** Whether a server or a program of a user is behind a filesystem of this type. */
export const isRemote = (type: string): boolean => REMOTE.test(type);

/** Why changes on such a filesystem are found by walks alone. */
export const REMOTE_REASON = 'a server or a program is behind it, which may not answer';

/**
 * The mount of such a filesystem that a path without links leads to; `undefined` where another one does. The one that all
 * programs run from is spared: whatever hangs there hangs anyway.
 */
export function remoteMountOf(path: string, table: MountTable): Mount | undefined {
  const mount = table.mountOf(path);
  return mount !== undefined && mount.point !== '/' && isRemote(mount.type) ? mount : undefined;
}
