import { fileURLToPath } from 'node:url';

/**
 * The directory that stands for the root of the system, or `undefined` for the real one: `WAYFARER_ROOT`, and from a
 * clone, where the sources run as they are, `.wayfarer` in it. `moduleUrl` is this file's own, or
 * that of the bundle which holds it.
 */
export function rootDirectory(
  environment: NodeJS.ProcessEnv,
  moduleUrl = import.meta.url,
): string | undefined {
  const given = environment['WAYFARER_ROOT'];
  if (given !== undefined && given !== '') return given;
  return moduleUrl.endsWith('.ts') ? fileURLToPath(new URL('../../../.wayfarer', moduleUrl)) : undefined;
}
