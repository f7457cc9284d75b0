import { MAX_WATCHED_PATHS, type WatchedPath } from '../../shared/collector.ts';
import type { Task } from '../../shared/manifest.ts';
import type { ManifestType } from '../../shared/modules.ts';

/** Tables that look at one file, which their parameter `path` names. */
const FILE_TABLES: readonly string[] = ['file', 'config_line', 'certificate', 'plist'];

/** The files that the tasks of active manifests look at, each once, with the types that do (protocol, rule 11). */
export function watchedPaths(tasks: ReadonlyMap<ManifestType, readonly Task[]>): WatchedPath[] {
  const types = new Map<string, ManifestType[]>();
  for (const [type, ofType] of tasks) {
    for (const { table, params } of ofType) {
      const path = params['path'];
      if (!FILE_TABLES.includes(table) || typeof path !== 'string') continue;
      const known = types.get(path) ?? [];
      if (!known.includes(type)) types.set(path, [...known, type]);
    }
  }
  return [...types].slice(0, MAX_WATCHED_PATHS).map(([path, of]) => ({ path, types: of }));
}
