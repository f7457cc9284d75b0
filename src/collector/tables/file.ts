import { fileLinux } from '../linux/probe-file.ts';
import { file as fileWindows } from '../windows/file.ts';
import type { TableSpec } from '../table.ts';
import { FileParams } from './params.ts';

export const fileTable: TableSpec<FileParams> = {
  name: 'file',
  group: 'probes',
  description: 'A file system object: identity, rights and content.',
  key: 'path, and the pattern where one is given',
  columns: {
    path: 'path',
    exists: 'whether it exists',
    type: 'file, directory, symlink, fifo, socket, block device, character device',
    target: 'target of a symbolic link',
    owner: 'user name',
    ownerId: 'uid or SID',
    group: 'group name',
    groupId: 'gid',
    mode: 'permission bits in octal, four digits',
    size: 'bytes, of regular files only',
    sha256: 'SHA-256 of the content, if asked for',
    match: 'whether a line matches the pattern, if asked for',
    reason: 'why hash or match are missing',
  },
  cost: 'medium',
  params: FileParams,
  readers: { linux: fileLinux, win32: fileWindows, darwin: fileLinux },
};
