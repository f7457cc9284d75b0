import { Unreadable, type ReadContext } from './table.ts';

/** Longest line that a pattern is tried on, in UTF-16 units; the rest of a longer line is not looked at. */
const MAX_LINE = 16 * 1024;

/** Time that a pattern may take over one file, in milliseconds, sleeps for the CPU budget left out. */
const MAX_MS = 10_000;

/** Lines between two looks at the clock. */
const LINES_PER_LOOK = 64;

/** Tells whether a line matches. */
export type LineMatcher = (line: string) => boolean;

/**
 * A matcher for a pattern of a manifest, which is not ours: RE2 syntax, since its engine takes time linear in the text
 * whatever the pattern. Throws `Unreadable` for what RE2 refuses (back-references, look-around, huge repeats).
 */
export async function lineMatcher(pattern: string): Promise<LineMatcher> {
  const { RE2JS } = await import('re2js');
  try {
    const compiled = RE2JS.compile(pattern);
    return (line) => compiled.test(line.slice(0, MAX_LINE));
  } catch {
    throw new Unreadable('the pattern is not one of RE2');
  }
}

/** Lines of blocks that match, in order. Throws `Unreadable` when pattern and file together take too long. */
export async function* matchingLines(
  context: ReadContext,
  pattern: string,
  blocks: AsyncIterable<readonly string[]>,
): AsyncGenerator<string> {
  const matches = await lineMatcher(pattern);
  let spent = 0;
  for await (const lines of blocks) {
    for (let from = 0; from < lines.length; from += LINES_PER_LOOK) {
      const started = context.now();
      const found = lines.slice(from, from + LINES_PER_LOOK).filter(matches);
      spent += context.now() - started;
      if (spent > MAX_MS) throw new Unreadable('the pattern takes too long on this file');
      yield* found;
      await context.breathe();
      if (context.signal.aborted) return;
    }
  }
}
