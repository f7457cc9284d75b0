import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureDirectory, isErrno, readSmallFile, writeFileAtomic } from './atomic-file.ts';
import { SETTING_NAMES, type SettingName } from './setting-definitions.ts';
import { settingLines } from './setting-lines.ts';

/** What settings are to become; `null` removes one. */
export type SettingChanges = Readonly<Partial<Record<SettingName, string | null>>>;

/**
 * The text of an `agent.conf` with other values: each takes the place of the line that counted, further lines of its name
 * go, new ones come last; all other lines, comments and line ends stay. Throws on a value that a line can't hold.
 */
export function changedSettings(text: string, changes: SettingChanges): string {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const lines: (string | null)[] = text === '' ? [] : text.split(/\r?\n/);
  const known = settingLines(text);
  const added: string[] = [];
  for (const name of SETTING_NAMES) {
    const value = changes[name];
    if (value === undefined) continue;
    const places = known.filter((line) => line.kind === 'setting' && line.name === name);
    for (const { number } of places) lines[number - 1] = null;
    const counts = places.at(-1);
    if (value === null) continue;
    if (counts === undefined) added.push(lineOf(name, value));
    else lines[counts.number - 1] = lineOf(name, value);
  }
  const kept = lines.filter((line) => line !== null);
  if (added.length > 0 && kept.at(-1)?.trim() === '') kept.pop();
  const whole = [...kept, ...added, ...(added.length > 0 ? [''] : [])].join(end);
  return text.startsWith('\uFEFF') && !whole.startsWith('\uFEFF') ? `\uFEFF${whole}` : whole;
}

function lineOf(name: SettingName, value: string): string {
  if (/\p{Cc}/u.test(value)) throw new Error(`${name} must not hold control characters`);
  const quoted = value !== value.trim() || /^".*"$/.test(value);
  return `${name}=${quoted ? `"${value}"` : value}`;
}

/**
 * Changes `agent.conf` so that after a crash the old or the new text is there, whole; one that was there keeps its
 * rights, a new one may be read by all. Throws `UnsafeFile` for what is no regular file, and what the file system throws.
 */
export function writeSettings(path: string, changes: SettingChanges): void {
  const before = readSmallFile(path);
  const text = changedSettings(before ?? '', changes);
  if (text === before) return;
  if (before === undefined) ensureDirectory(dirname(path), 0o755);
  writeFileAtomic(path, text, modeOf(path));
}

function modeOf(path: string): number {
  try {
    return lstatSync(path).mode & 0o755;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0o644;
    throw error;
  }
}
