import { describe, expect, it } from 'vitest';
import type { FanotifyCalls } from './calls.ts';
import { markFilesystem, mountState, type MarkContext } from './filesystem.ts';
import { FanotifyGroup } from './group.ts';
import type { Mount } from './mount-table.ts';

const mount = (more: Partial<Mount> = {}): Mount => ({
  ...{ id: 2, parent: 1, device: '8:1', root: '/', point: '/data', type: 'ext4', source: '/dev/sda1' },
  options: ['rw'],
  ...more,
});
const MARKED = { method: 'filesystem mark' } as const;

describe('how a mount is shown', () => {
  it('has no note where all of a filesystem is heard', () => {
    expect(mountState(mount(), MARKED)).toEqual({ mount: '/data', filesystem: 'ext4', ...MARKED });
  });

  it.each([
    '/var/lib/docker/overlay2/1f/merged',
    '/var/lib/containers/storage/overlay/1f/merged',
    '/var/lib/kubelet/pods/1f/volumes/data',
    '/run/containerd/io.containerd.runtime.v2.task/k8s.io/1f/rootfs',
  ])('says that %s is part of a container', (point) => {
    expect(mountState(mount({ point }), MARKED).note).toBe('part of a container');
  });

  it.each(['/var/lib/docker-data/x', '/home/docker/x', '/run/docker'])(
    'takes %s for no part of one',
    (point) => {
      expect(mountState(mount({ point }), MARKED).note).toBeUndefined();
    },
  );

  it('R208 says of an overlay what is not heard, after why it is marked by directory', () => {
    const point = '/var/lib/docker/overlay2/1f/merged';
    const marked = { method: 'inode marks', reason: 'no mark of the filesystem: ENODEV' } as const;
    expect(mountState(mount({ point, type: 'overlay' }), marked).note).toBe(
      'no mark of the filesystem: ENODEV; overlay: changes made in its layers from outside are found by the rescan; ' +
        'part of a container',
    );
  });

  it('says which part of a filesystem it shows, but of a subvolume of btrfs', () => {
    expect(mountState(mount({ root: '/srv' }), MARKED).note).toBe('shows /srv of its filesystem');
    expect(mountState(mount({ root: '/@home', type: 'btrfs' }), MARKED).note).toBeUndefined();
  });

  it('keeps its note within what a state may say', () => {
    expect(mountState(mount({ root: `/${'x'.repeat(4_000)}` }), MARKED).note).toHaveLength(300);
  });
});

describe('what is never called', () => {
  const calls = {} as FanotifyCalls;
  const group = Object.create(FanotifyGroup.prototype) as FanotifyGroup;
  const untouched: MarkContext = { calls, filesystems: group, directories: group };

  it.each(['nfs4', 'fuse', 'fuse.sshfs', 'cifs', '9p', 'virtiofs'])(
    'is a filesystem of type %s: only walks go there',
    (type) => {
      expect(markFilesystem(untouched, mount({ type }), undefined).method).toBe('rescan only');
    },
  );

  it.each(['proc', 'sysfs', 'cgroup2', 'tracefs'])('is one of the kernel: %s', (type) => {
    expect(markFilesystem(untouched, mount({ type }), undefined).method).toBe('none');
  });
});
