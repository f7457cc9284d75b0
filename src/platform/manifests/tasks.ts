import type { Task } from '../../shared/manifest.ts';

/** A task that reads a whole table. */
export const table = (name: string): Task => ({ id: name, table: name, params: {} });

/** A task about one file: its existence, owner and mode, with the hash of its content where wanted. */
export const file = (
  id: string,
  path: string,
  params: { readonly hash?: boolean; readonly match?: string } = {},
): Task => ({
  id,
  table: 'file',
  params: { path, ...params },
});

/** A task that reads the lines of a configuration file that match. */
export const configLine = (id: string, path: string, match: string): Task => ({
  id,
  table: 'config_line',
  params: { path, match },
});

/** A task that reads one kernel parameter. */
export const sysctl = (name: string): Task => ({ id: `sysctl.${name}`, table: 'sysctl', params: { name } });

/** Tables of installed software, all package managers. */
export const SOFTWARE_TABLES = [
  'deb',
  'rpm',
  'apk',
  'snap',
  'flatpak',
  'windows_programs',
  'windows_hotfixes',
  'msi_products',
  'macos_apps',
  'pkg_receipts',
  'homebrew',
  'python',
  'npm_global',
  'gem',
  'browser_extensions',
] as const;
