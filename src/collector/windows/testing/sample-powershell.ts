import { readFileSync } from 'node:fs';
import type { Answer } from '../../testing/sample-host.ts';

const HOST = readFileSync(new URL('../samples/host.jsonl', import.meta.url), 'utf8').split('\n');

/**
 * Answers a batch as PowerShell on the sample host would, a German Windows 11: one line for each section of the script.
 * `replaced` gives other lines for some sections.
 */
export function samplePowerShell(
  replaced: Readonly<Record<string, string>> = {},
): (file: string, args: readonly string[]) => Answer {
  return (file, args) => {
    if (file !== 'powershell.exe') return undefined;
    const names = [...(args.at(-1) ?? '').matchAll(/;Section '(\w+)' /g)].map(([, name = '']) => name);
    const lineOf = (name: string): string =>
      replaced[name] ??
      HOST.find((line) => line.startsWith(`{"section":"${name}"`)) ??
      `no sample of ${name}`;
    return names.map((name) => `${lineOf(name)}\n`).join('');
  };
}
