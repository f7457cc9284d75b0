import { describe, expect, it } from 'vitest';
import { join, MountTable, rest } from './mount-table.ts';

const TEXT = String.raw`22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:20 / /home rw shared:2 master:1 - btrfs /dev/vdb rw,subvol=/@home
24 22 0:21 / /mnt/with\040space rw - tmpfs tmpfs rw
25 23 0:22 / /home/a rw - tmpfs tmpfs rw
26 24 0:23 / /mnt/with\040space rw - tmpfs over rw
27 22 0:24 /part /mnt rw - ext4 /dev/vdc rw
28 22 0:25 / /bytes\134\377 rw - tmpfs tmpfs rw
nonsense
29 22 0:26 / relative rw - tmpfs tmpfs rw
`;

describe('the mount table', () => {
  const table = new MountTable(Buffer.from(TEXT, 'latin1'));

  it('leads a path to its mount, as the kernel would on the way there', () => {
    const at = (path: string): number | undefined => table.mountOf(path)?.id;
    expect([at('/'), at('/etc/x'), at('/home'), at('/home/b'), at('/home/a/x')]).toEqual([
      22, 22, 23, 23, 25,
    ]);
    expect(at('/homes')).toBe(22);
  });

  it('sees what lies hidden below a later mount', () => {
    const hidden = table.mounts.filter((mount) => !table.isVisible(mount)).map(({ id }) => id);
    // Both mounts of "with space" lie below the one on /mnt, which was made on top of the directory that holds them.
    expect(hidden).toEqual([24, 26]);
  });

  it('reads escaped characters and bytes that are no UTF-8, and leaves out what is no mount', () => {
    expect(table.mounts.map(({ point }) => point)).toContain('/mnt/with space');
    expect(table.mounts.map(({ point }) => point)).toContain('/bytes\\\udcff');
    expect(table.mounts.map(({ id }) => id)).toEqual([22, 23, 24, 25, 26, 27, 28]);
  });

  it('ends in a table that leads in a circle', () => {
    const circle = new MountTable(
      Buffer.from('1 9 0:1 / / rw - t s rw\n2 1 0:2 / / rw - t s rw\n1 2 0:1 / / rw - t s rw\n'),
    );
    expect(circle.mountOf('/x')?.point).toBe('/');
  });

  it('takes paths apart and together', () => {
    for (const [path, directory] of [
      ['/a/b', '/a'],
      ['/a', '/'],
      ['/', '/'],
      ['/a', '/a'],
    ] as const)
      expect(join(directory, rest(path, directory))).toBe(path);
  });
});
