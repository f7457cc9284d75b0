import type { Log } from '../../host/log.ts';

/** A log that keeps its lines, each with its level in front. */
export function recordingLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const into = (level: keyof Log) => (message: string) => void lines.push(`${level}: ${message}`);
  const log: Log = {
    error: into('error'),
    warn: into('warn'),
    info: into('info'),
    debug: into('debug'),
    trace: into('trace'),
  };
  return { log, lines };
}
