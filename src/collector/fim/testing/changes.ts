import type { Attribution, RawChange } from '../change.ts';

/** The process with this pid, known by its executable. */
export function by(pid: number, executable = `/bin/p${pid}`): Attribution {
  return { actor: { state: 'known', process: { pid, executable, start: '2026-01-01T00:00:00.000Z' } } };
}

/** A process that was gone before it could be read. */
export function byUnknown(pid: number): Attribution {
  return { actor: { state: 'unknown', reason: 'gone before it could be read', pid } };
}

/** A change of a file at time 0 by process 1 unless told otherwise. */
export function change(path: string, what: number, more: Partial<RawChange> = {}): RawChange {
  return { path, what, directory: false, at: 0, by: by(1), ...more };
}
