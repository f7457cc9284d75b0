import { readText } from '../files.ts';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { namesIn } from './tolerant.ts';

const MAIN = '/etc/sudoers';

/** Depth and number of included files. */
const MAX_FILES = 256;

const INCLUDE = /^[@#]include(dir)?\s+"?(\/[^"]+?)"?$/;

/** Logical lines of sudoers(5): continued lines joined, comments and empty lines left out; `#1000` is a uid, no comment. */
export function sudoersLines(text: string): string[] {
  return text
    .replace(/\\\r?\n/g, ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s)#(?!include|\d).*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}

/** Files that a folder includes: those whose name has neither a dot nor a tilde at its end. */
function includedFiles(context: ReadContext, folder: string): string[] {
  return namesIn(context, folder)
    .filter((name) => !name.includes('.') && !name.endsWith('~'))
    .map((name) => `${folder.replace(/\/$/, '')}/${name}`);
}

function* readSudoers(context: ReadContext): Generator<KeyedRow> {
  const queue = [MAIN];
  const seen = new Set<string>();
  for (const file of queue) {
    for (const line of sudoersLines(readText(context, file) ?? '')) {
      const [, isFolder, path] = INCLUDE.exec(line) ?? [];
      if (path !== undefined) {
        const found = isFolder === undefined ? [path] : includedFiles(context, path);
        queue.push(...found.filter((name) => !queue.includes(name)).slice(0, MAX_FILES - queue.length));
        continue;
      }
      const key = joinKey(file, line);
      if (!seen.has(key)) yield { key, row: { file, rule: line } };
      seen.add(key);
    }
  }
}

export const sudoersLinux: Reader = {
  source: '/etc/sudoers and what it includes',
  root: 'yes',
  read: readSudoers,
};
