import { ExitCode } from '../../shared/exit-codes.ts';
import { Answer } from './answer.ts';

/** Longest input, bytes: more than any password that can be stored. */
const MAX_BYTES = 4_096;

/**
 * The password on standard input, to its end; one line break at the end is not part of it. Throws `Answer` on a
 * terminal, which would show it, and on more than 4096 bytes.
 */
export async function readPassword(
  input: AsyncIterable<Buffer> & { readonly isTTY?: boolean },
): Promise<string> {
  if (input.isTTY === true) {
    throw new Answer(
      ExitCode.usage,
      'the password is read from a file or a pipe, not from a terminal, which would show it',
    );
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of input) {
    size += part.length;
    if (size > MAX_BYTES) {
      throw new Answer(ExitCode.usage, `the password on standard input is longer than ${MAX_BYTES} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
