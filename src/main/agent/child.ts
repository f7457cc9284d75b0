import type { ChildProcess } from 'node:child_process';

/** How long a child may take to end by itself, ms. */
const STOP_GRACE_MS = 2_000;

/** Characters of a child's stderr that are kept for the log: its last line is what tells why it ended. */
const LAST_WORDS = 500;

/** Ends a child: asked first by closing its IPC channel, killed when it does not end in time. Resolves once it is gone. */
export function endChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      resolve();
      return;
    }
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    child.once('exit', () => {
      clearTimeout(kill);
      resolve();
    });
    if (child.connected) child.disconnect();
  });
}

/** Listens to a child's stderr; the returned function says, once it has closed, how it ended. */
function lastWordsOf(child: ChildProcess): (code: number | null, signal: string | null) => string {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-LAST_WORDS);
  });
  return (code, signal) => {
    const how = signal ?? `exit code ${String(code)}`;
    const line = words.trim().split('\n').at(-1) ?? '';
    return line === '' ? how : `${how}: ${line}`;
  };
}

/** Tells once how a child ended. The returned function tells it sooner, with a reason of the caller's. */
export function whenEnded(child: ChildProcess, ended: (reason: string) => void): (reason: string) => void {
  const howEnded = lastWordsOf(child);
  let over = false;
  const end = (reason: string): void => {
    if (over) return;
    over = true;
    ended(reason);
  };
  child.on('error', (error) => {
    end(error.message);
  });
  child.on('close', (code, signal) => {
    end(howEnded(code, signal));
  });
  return end;
}
