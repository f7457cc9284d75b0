import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { readSmallFile, removeFile, writeFileAtomic } from '../../host/atomic-file.ts';
import { MAX_SCRIPT } from './job.ts';

/** A script that ran, and where it came from. */
export interface GoodScript {
  readonly script: string;
  /** When this content was first fetched, ms since the epoch. */
  readonly since: number;
}

/** Where the last script that was good outlives the agent. */
export interface LastGood {
  /** The copy of the script with this key, `undefined` if there is none that can be read. */
  readonly read: (key: string) => GoodScript | undefined;
  /** Replaces the copy, whatever key it had. */
  readonly write: (key: string, good: GoodScript) => void;
}

const Header = z.object({ key: z.string(), since: z.number() });

/** A megabyte of Latin-1 doubles in UTF-8, one of UTF-16 grows by half; the header is a line. */
const MAX_FILE = 2 * MAX_SCRIPT + 64 * 1024;

/**
 * Keeps one script in a file that only the agent can read: a line of JSON, then the script. A copy that can't be written
 * or read is no trouble of its own: it is told to `debug`, and the script is fetched when it is next needed.
 */
export function lastGoodFile(path: string, debug: (message: string) => void): LastGood {
  return {
    read: (key) => {
      try {
        const text = readSmallFile(path, MAX_FILE) ?? '';
        const end = text.indexOf('\n');
        if (end < 0) return undefined;
        const header = Header.parse(JSON.parse(text.slice(0, end)));
        return header.key === key ? { script: text.slice(end + 1), since: header.since } : undefined;
      } catch (error) {
        debug(`the copy of the proxy script in ${path} can't be read: ${String(error)}`);
        return undefined;
      }
    },
    write: (key, { script, since }) => {
      try {
        writeFileAtomic(path, `${JSON.stringify({ key, since })}\n${script}`, 0o600);
      } catch (error) {
        debug(`the copy of the proxy script in ${path} can't be written: ${String(error)}`);
      }
    },
  };
}

/**
 * As `lastGoodFile`, with a file of its own for each key, named `path-…`: the PAC file of the settings and that of the system do
 * not overwrite each other. The `keep` newest files stay.
 */
export function lastGoodFiles(path: string, keep: number, debug: (message: string) => void): LastGood {
  const fileOf = (key: string): string =>
    `${path}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
  return {
    read: (key) => lastGoodFile(fileOf(key), debug).read(key),
    write: (key, good) => {
      lastGoodFile(fileOf(key), debug).write(key, good);
      try {
        for (const file of newestFirst(path).slice(keep)) removeFile(file);
      } catch (error) {
        debug(`old copies of proxy scripts beside ${path} can't be removed: ${String(error)}`);
      }
    },
  };
}

function newestFirst(path: string): string[] {
  const folder = dirname(path);
  return readdirSync(folder)
    .filter(
      (name) => /^-[0-9a-f]{16}$/.test(name.slice(basename(path).length)) && name.startsWith(basename(path)),
    )
    .map((name) => ({ file: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)
    .map(({ file }) => file);
}
