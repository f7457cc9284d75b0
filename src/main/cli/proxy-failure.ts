import { ExitCode } from '../../shared/exit-codes.ts';
import { isErrno } from '../host/atomic-file.ts';
import { InvalidChange } from '../uplink/proxy/proxy-change.ts';
import { Answer } from './answer.ts';

/** What a proxy tool answers to an error: an `Answer` with its exit code, in one line. Nothing was changed then. */
export function proxyFailure(error: unknown): Answer {
  if (error instanceof Answer) return error;
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof InvalidChange) return new Answer(ExitCode.usage, reason);
  if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) {
    return new Answer(
      ExitCode.permission,
      `the proxy settings may not be changed by this user (${reason}): run it as root or administrator`,
    );
  }
  return new Answer(ExitCode.failed, `the proxy settings could not be changed: ${reason}`);
}
