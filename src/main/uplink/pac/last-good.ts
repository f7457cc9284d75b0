import { z } from 'zod';
import { readSmallFile, writeFileAtomic } from '../../host/atomic-file.ts';
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
