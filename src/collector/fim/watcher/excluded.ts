import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPathBytes } from '../../text.ts';
import type { RuleSet } from '../rule-set.ts';
import { canIgnore } from './subscribe.ts';

/**
 * Most paths that a watcher is told to ignore: it compares each with every event. What is beyond is watched and passed
 * over when an event comes. And most directories that are looked at to find them.
 */
const MAX_IGNORED = 256;
const MAX_DIRECTORIES = 200_000;

/** What a look below a root has found. */
export interface Below {
  /** Directories that no rule enters, topmost ones alone. */
  readonly excluded: readonly string[];
  /** Whether any directory below the root is entered. */
  readonly deep: boolean;
}

/**
 * Looks for directories below `root` that no rule enters, without following links. What can't be read is passed over; what is
 * `foreign` is taken for excluded, and nothing in it is asked for.
 */
export async function lookBelow(
  root: string,
  rules: RuleSet,
  foreign: (path: string) => boolean = () => false,
): Promise<Below> {
  const excluded: string[] = [];
  const open = [root];
  let deep = false;
  for (let seen = 0; open.length > 0 && seen < MAX_DIRECTORIES; seen += 1) {
    const directory = open.pop() ?? root;
    for (const path of await directoriesIn(directory)) {
      if (rules.entersDirectory(path) && !foreign(path)) {
        deep = true;
        open.push(path);
      } else if (excluded.length < MAX_IGNORED && canIgnore(path)) excluded.push(path);
    }
  }
  return { excluded, deep };
}

/** Paths of the directories in one; none where it can't be read. Names that are no UTF-8 are left out: none can be ignored. */
async function directoriesIn(directory: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of await opendir(hostPathBytes(directory))) {
      if (entry.isDirectory()) found.push(join(directory, entry.name));
    }
  } catch {
    // Unreadable or gone: the watcher passes it over as well.
  }
  return found;
}
