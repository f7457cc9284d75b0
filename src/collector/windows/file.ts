import { fileLinux } from '../linux/probe-file.ts';
import type { Reader } from '../table.ts';
import type { FileParams } from '../tables/params.ts';

/** What Node makes up for `lstat` on Windows (nodejs.org, "fs.Stats"): no owner, and a mode without meaning. */
const UNKNOWN = { owner: null, ownerId: null, group: null, groupId: null, mode: null };

/** The part of the probe that is the same everywhere: existence, kind, size, hash, content. */
export const file: Reader<FileParams> = {
  source: 'lstat, content of regular files',
  root: 'partly',
  async *read(context, params) {
    for await (const { key, row } of fileLinux.read(context, params))
      yield { key, row: { ...row, ...UNKNOWN } };
  },
};
