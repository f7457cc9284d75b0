import { joinKey } from '../key.ts';
import type { RegistryParams } from '../tables/params.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import { decodeHostText } from '../text.ts';

/**
 * The probe of one registry key through reg.exe, whose arguments a manifest may fill since no shell reads them.
 * Format: `reg query` (Windows commands reference). reg.exe writes in the code page of the console: characters outside
 * ASCII arrive as bytes of that page.
 */
interface RegistryValue {
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

const FOUR_BLANKS = '    ';
const VALUE = /^ {4}(.*?) {4}(REG_[A-Z0-9_]+)(?: {4}(.*))?$/;

/** Name that reg.exe prints for the value without a name, in the language of the host: `(Default)`, `(Standard)`. */
const UNNAMED = /^\(.+\)$/;

/**
 * Values of the first key in the output of `reg query KEY`. `asked` is the name that was asked for: with it no name
 * has to be told from its data. A line that is no value continues the data before it.
 */
export function parseValues(output: string, asked?: string): RegistryValue[] {
  const values: { name: string; type: string; data: string }[] = [];
  const lines = output.split(/\r?\n/);
  const start = lines.findIndex((line) => line.startsWith('HKEY_'));
  if (start === -1) return [];
  for (const line of lines.slice(start + 1)) {
    if (line.startsWith('HKEY_')) break;
    const value = valueOf(line, asked, values.length === 0);
    const last = values.at(-1);
    if (value !== undefined) values.push(value);
    else if (last !== undefined) last.data += `\n${line}`;
  }
  for (const value of values)
    value.data = value.data.replace(/\n+[^\n]*$/, (tail) => (tail.trim() === '' ? '' : tail));
  return values;
}

function valueOf(line: string, asked: string | undefined, first: boolean): RegistryValue | undefined {
  const named =
    asked !== undefined && asked !== '' && line.startsWith(`${FOUR_BLANKS}${asked}${FOUR_BLANKS}`);
  const rest = named ? `${FOUR_BLANKS}?${line.slice(FOUR_BLANKS.length + asked.length)}` : line;
  const match = VALUE.exec(rest);
  if (match === null) return undefined;
  const [, printed = '', type = '', data = ''] = match;
  const unnamed = asked === '' || (asked === undefined && first && UNNAMED.test(printed));
  // reg.exe shows an unset default value as a sentence in parentheses, in the language of the host.
  if (unnamed && type === 'REG_SZ' && UNNAMED.test(data)) return undefined;
  return { name: asked ?? (unnamed ? '' : printed), type, data };
}

type View = '64' | '32';

/** A key that nobody makes: asking for it shows what this host says of a missing key, whatever its language. */
const NOWHERE = 'HKLM\\SOFTWARE\\Wayfarer\\NoSuchKey';

/** The values, or `undefined` where key or value do not exist. Throws `Unreadable` where access is denied. */
async function query(
  context: ReadContext,
  { path, name }: RegistryParams,
  view: View,
): Promise<RegistryValue[] | undefined> {
  const which = name === undefined ? [] : name === '' ? ['/ve'] : ['/v', name];
  const result = await context.run('reg.exe', ['query', path, ...which, `/reg:${view}`]);
  if (result.exitCode === 0) return parseValues(decodeHostText(result.stdout), name);
  const missing = await context.run('reg.exe', ['query', NOWHERE, `/reg:${view}`]);
  if (missing.exitCode !== 0 && missing.stderr === result.stderr) return undefined;
  throw new Unreadable('the registry key cannot be read');
}

/** The 64-bit view first; the 32-bit one where that has no such key or value. */
export const registry: Reader<RegistryParams> = {
  source: 'reg.exe query',
  root: 'partly',
  async *read(context, params): AsyncGenerator<KeyedRow> {
    for (const view of ['64', '32'] as const) {
      const values = await query(context, params, view);
      if (values === undefined) continue;
      if (values.length === 0 && params.name !== undefined) continue;
      if (values.length === 0) {
        const row = { path: params.path, name: null, exists: true, type: null, value: null, view };
        yield { key: joinKey(params.path, null), row };
      }
      for (const { name, type, data } of values) {
        const row = { path: params.path, name, exists: true, type, value: data, view };
        yield { key: joinKey(params.path, name), row };
      }
      return;
    }
    const name = params.name ?? null;
    const row = { path: params.path, name, exists: false, type: null, value: null, view: null };
    yield { key: joinKey(params.path, name), row };
  },
};
