import { SETTING_NAMES, type SettingName } from './setting-definitions.ts';

/** A line of `agent.conf`: what it sets, or what it is instead. Numbers begin at 1. */
export type SettingLine =
  | { readonly number: number; readonly kind: 'comment' }
  | { readonly number: number; readonly kind: 'setting'; readonly name: SettingName; readonly value: string }
  /** It has the form of a setting but no known name, or not even the form. `word` is what it seems to name. */
  | { readonly number: number; readonly kind: 'unknown' | 'malformed'; readonly word: string };

/** Every line of an `agent.conf`, in its order. */
export function settingLines(text: string): SettingLine[] {
  return text.split(/\r?\n/).map((raw, index) => settingLine(raw.trim(), index + 1));
}

function settingLine(line: string, number: number): SettingLine {
  if (line === '' || line.startsWith('#')) return { number, kind: 'comment' };
  const match = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line);
  const name = SETTING_NAMES.find((known) => known.toLowerCase() === match?.[1]?.toLowerCase());
  if (match === null || name === undefined) {
    const kind = /^[\w.-]+\s*=/.test(line) ? 'unknown' : 'malformed';
    return { number, kind, word: firstWord(line) };
  }
  return { number, kind: 'setting', name, value: (match[2] ?? '').replace(/^"(.*)"$/, '$1') };
}

/** What a line names; never its value, which everyone would read in the status and which may be a password. */
function firstWord(line: string): string {
  return /^[\w.-]{1,40}/.exec(line)?.[0] ?? 'this line';
}
