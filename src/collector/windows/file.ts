import { fileLinux } from '../linux/probe-file.ts';
import type { Reader } from '../table.ts';
import type { FileParams } from '../tables/params.ts';

/** The part of the probe that is the same everywhere: existence, kind, size, hash, content. */
export const file: Reader<FileParams> = { ...fileLinux, source: 'lstat, content of regular files' };
