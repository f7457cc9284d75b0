/* Files of `NAME=value` lines as systemd's EnvironmentFile=, /etc/environment and a shell read them. */

/** One assignment that a file makes. */
export interface Assignment {
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
  /** The value can't be told: a quote that isn't closed on its line. */
  readonly broken?: true;
}

/** One line: `text` and `end` are all of it; `name` is empty when it assigns nothing. */
interface Line {
  readonly text: string;
  /** Blanks and `export` before the name. */
  readonly prefix: string;
  readonly name: string;
  readonly value: string;
  /** Line feed, carriage return and line feed, or nothing at the end of the file. */
  readonly end: string;
}

const ASSIGNMENT = /^(\s*(?:export\s+)?)([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/s;

/** Characters that stand unquoted in a value for a shell, systemd and PAM alike. */
const PLAIN = /^[A-Za-z0-9_.:/,%+@-]*$/;

/**
 * The assignments of a file by name; of a name that stands twice the last one counts. A value may be quoted by `"`, where
 * a backslash escapes `"`, `\`, `$` and a backtick, or by `'`; unquoted it ends before ` #` or at the end of its line and
 * may hold blanks and `;`, as systemd reads it. Everything else (comments, conditions, commands) is passed over. A value
 * is one line: what systemd would read on over a line break is marked `broken`.
 */
export function parseEnvFile(text: string): ReadonlyMap<string, Assignment> {
  const found = new Map<string, Assignment>();
  for (const [index, line] of linesOf(text).entries()) {
    if (line.name === '') continue;
    const value = unquote(line.value);
    found.set(
      line.name,
      value === undefined ? { value: '', line: index + 1, broken: true } : { value, line: index + 1 },
    );
  }
  return found;
}

/**
 * The text with some values set (a string) or taken out (`undefined`). The last line of a name is rewritten where it
 * stands and its other lines go; a new name comes at the end, with the line ending that the file has. Every other
 * character stays. Throws a RangeError for a name that isn't one, or a value with a line break or a NUL.
 */
export function editEnvFile(text: string, changes: ReadonlyMap<string, string | undefined>): string {
  for (const [name, value] of changes) checkChange(name, value);
  const lines = linesOf(text);
  const last = new Map(lines.map((line, index) => [line.name, index]));
  const kept = lines.map((line, index) => {
    if (line.name === '' || !changes.has(line.name)) return line.text + line.end;
    const value = changes.get(line.name);
    if (value === undefined || last.get(line.name) !== index) return '';
    return `${line.prefix}${line.name}=${quote(value)}${line.end}`;
  });
  const added = [...changes].filter(([name, value]) => value !== undefined && !last.has(name));
  if (added.length === 0) return kept.join('');
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const body = kept.join('');
  const gap = body === '' || body.endsWith('\n') ? '' : newline;
  return body + gap + added.map(([name, value]) => `${name}=${quote(value ?? '')}${newline}`).join('');
}

function linesOf(text: string): Line[] {
  return [...text.matchAll(/([^\n]*?)(\r?\n|$)/g)]
    .filter(([all]) => all !== '')
    .map(([, line = '', end = '']) => {
      const [, prefix = '', name = '', value = ''] = ASSIGNMENT.exec(line) ?? [];
      return { text: line, prefix, name, value, end };
    });
}

/** A value without its quotes and comment; `undefined` when a quote isn't closed. */
function unquote(raw: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'([^']*)'/s.exec(raw);
  if (quoted !== null) {
    const [, double, single] = quoted;
    return double === undefined ? single : double.replace(/\\(["\\$`])/g, '$1');
  }
  if (/^["']/.test(raw)) return undefined;
  const comment = raw.search(/\s#/);
  return (comment === -1 ? raw : raw.slice(0, comment)).trimEnd();
}

function quote(value: string): string {
  return PLAIN.test(value) ? value : `"${value.replace(/["\\$`]/g, '\\$&')}"`;
}

function checkChange(name: string, value: string | undefined): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new RangeError(`"${name}" is not a name`);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (value !== undefined && /[\n\r\u0000]/.test(value)) {
    throw new RangeError(`the value of ${name} holds a line break or a NUL`);
  }
}
