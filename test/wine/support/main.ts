/**
 * Runs under Node for Windows: `main.ts PROGRAM OUTPUT INPUT` calls the function `work` of the module PROGRAM with INPUT, which
 * is JSON, and writes what that resolves with to the file OUTPUT, or what it throws.
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [program = '', output = '', input = 'null'] = process.argv.slice(2);

async function outcome(): Promise<{ result: unknown } | { error: string }> {
  try {
    const { work } = (await import(pathToFileURL(program).href)) as {
      work: (input: unknown) => unknown;
    };
    return { result: (await work(JSON.parse(input))) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

writeFileSync(output, JSON.stringify(await outcome()));
// Whatever a failed program left running ends with it.
process.exit(0);
