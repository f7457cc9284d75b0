import { isErrno } from '../host/atomic-file.ts';

/** Lets a reader leave when it has seen enough (`| head -1`): what the tool did is no failure by that. */
export function allowEarlyReader(output: NodeJS.WriteStream): void {
  output.on('error', (error) => {
    if (!isErrno(error, 'EPIPE')) throw error;
  });
}
