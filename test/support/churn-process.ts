import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { SeededRandom } from './random.ts';

/*
 * Makes, changes, moves and deletes files and directories below a directory by chance, until it is ended: arguments are the
 * directory and a seed. What can't be done at that moment is left.
 */

const [root = '', seed = '0'] = process.argv.slice(2);
const random = new SeededRandom(Number(seed));
const directory = (): string => `${root}/${random.below(6)}`;
const place = (): string => `${directory()}/${random.below(40)}`;

/** What is done, and how often it is chosen. */
const WORKS: readonly (readonly [number, () => void])[] = [
  [6, () => writeFileSync(place(), 'x'.repeat(random.below(5_000)))],
  [4, () => appendFileSync(place(), 'line\n')],
  [4, () => renameSync(place(), place())],
  [2, () => rmSync(place(), { recursive: true })],
  [2, () => chmodSync(place(), 0o600 + random.below(8))],
  [1, () => mkdirSync(place())],
  [1, () => symlinkSync('somewhere', place())],
  [1, () => linkSync(place(), place())],
  [1, () => renameSync(directory(), directory())],
  [3, () => mkdirSync(directory())],
];
const DRAWN = WORKS.flatMap(([weight, work]) => Array.from({ length: weight }, () => work));

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // It is not there, or there already.
  }
}

function turn(): void {
  for (let left = 1 + random.below(20); left > 0; left -= 1) attempt(random.pick(DRAWN));
  setTimeout(turn, random.below(60));
}
turn();
