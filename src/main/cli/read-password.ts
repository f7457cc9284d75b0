import { ExitCode } from '../../shared/exit-codes.ts';
import { Answer } from './answer.ts';

/** Longest input, bytes: more than any password that can be stored. */
const MAX_BYTES = 4_096;

/**
 * The password on standard input, to its end; one line break at the end is not part of it, nor is the byte order mark that
 * editors and shells of Windows put first. Throws `Answer` on a terminal, which would show it, on more than 4096 bytes, on
 * what isn't UTF-8, and on nothing: a file that was empty, or a variable that wasn't set, is no password.
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
  const password = decoded(Buffer.concat(parts)).replace(/\r?\n$/, '');
  if (password === '') throw new Answer(ExitCode.usage, 'there is no password on standard input');
  return password;
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Replacement characters would be kept as a password that no proxy takes.
    throw new Answer(ExitCode.usage, 'the password on standard input is not UTF-8: save the file as UTF-8');
  }
}
