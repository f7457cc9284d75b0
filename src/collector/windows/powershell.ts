import { z } from 'zod';
import { Unreadable, type ReadContext } from '../table.ts';

/**
 * Facts of Windows come from few processes: the sections of a batch run in one PowerShell, and the tables that share
 * the batch share its answer. The script is fixed text of this program; nothing of a manifest ever enters it.
 *
 * Format: `ConvertTo-Json` of Windows PowerShell 5.1 (Microsoft.PowerShell.Utility reference), one object per line.
 */
export interface Section<T> {
  /** Unique inside its batch. */
  readonly name: string;
  /** PowerShell that emits the objects of the section. Holds no double quote and no line break. */
  readonly script: string;
  /** Shape of one object. */
  readonly shape: z.ZodType<T>;
}

/** Sections that are read by one process. */
export type Batch = readonly Section<unknown>[];

interface CimQuery<T> {
  readonly name: string;
  readonly className: string;
  /** `root/cimv2` unless told. */
  readonly namespace?: string;
  /** WQL condition without double quotes. */
  readonly filter?: string;
  readonly shape: z.ZodObject<z.ZodRawShape> & z.ZodType<T>;
}

/** A section that lists the instances of a CIM class; the properties are those of `shape`. */
export function cim<T>(query: CimQuery<T>): Section<T> {
  const filter = query.filter === undefined ? '' : ` -Filter '${query.filter}'`;
  const properties = Object.keys(query.shape.shape).join(',');
  const script =
    `Get-CimInstance -Namespace '${query.namespace ?? 'root/cimv2'}' -ClassName '${query.className}'${filter}` +
    ` | Select-Object -Property ${properties}`;
  return { name: query.name, script, shape: query.shape };
}

/** Characters of a text that `Cut` leaves. */
const MOST_TEXT = 4_096;

/**
 * Helpers of the scripts: `Hive` opens a registry hive in a view, `Views` are the views this system
 * has, the native one first, `Machine` and `UserHives` the hives in that view, `Sids` the
 * users (local, domain, Entra ID) whose hive is loaded, `NameOf` the account of a SID, `Cut` a text no longer than is shown:
 * whoever writes a long one into a key of his own must not make the whole answer too long to be taken.
 * `[Console]::OutputEncoding` cannot be set without a console, as in a service, so the bytes are written to the
 * stream itself. Errors are named by their FullyQualifiedErrorId: the message is in the language of the host.
 */
const PROLOGUE = [
  `$ErrorActionPreference='Stop'`,
  `$ProgressPreference='SilentlyContinue'`,
  `$out=[Console]::OpenStandardOutput()`,
  `function Emit($o){$b=[Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject $o -Depth 6 -Compress)+[char]10);$out.Write($b,0,$b.Length);$out.Flush()}`,
  `function Hive($h,$v){[Microsoft.Win32.RegistryKey]::OpenBaseKey([Microsoft.Win32.RegistryHive]$h,[Microsoft.Win32.RegistryView]('Registry'+$v))}`,
  `function Views{if([Environment]::Is64BitOperatingSystem){'64','32'}else{'32'}}`,
  `function Machine{Hive 'LocalMachine' (@(Views)[0])}`,
  `function UserHives{Hive 'Users' (@(Views)[0])}`,
  `function Sids{(UserHives).GetSubKeyNames()|Where-Object{$_ -match '^S-1-(5-21|12-1)-[0-9-]+$'}}`,
  `function NameOf($s){try{([Security.Principal.SecurityIdentifier]$s).Translate([Security.Principal.NTAccount]).Value}catch{[string]$s}}`,
  `function Cut($s){if($null -ne $s){$s=[string]$s;if($s.Length -gt ${MOST_TEXT}){$s.Substring(0,${MOST_TEXT})}else{$s}}}`,
  `function Section($n,$c){try{$r=[object[]]@(& $c);Emit @{section=$n;rows=$r}}catch{Emit @{section=$n;error=[string]$_.FullyQualifiedErrorId}}}`,
].join(';');

/** The script of a batch, for `-Command`. */
export function scriptOf(batch: Batch): string {
  return [PROLOGUE, ...batch.map(({ name, script }) => `Section '${name}' {${script}}`)].join(';');
}

const Line = z.union([
  z.object({ section: z.string(), rows: z.unknown() }),
  z.object({ section: z.string(), error: z.string() }),
]);

/** Windows PowerShell 5.1 writes some arrays as `{"value":[…],"Count":n}`; this gives the array back. */
function plainArrays(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainArrays);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const inner: unknown = 'value' in value ? value.value : undefined;
  if (entries.length === 2 && 'Count' in value && Array.isArray(inner)) return inner.map(plainArrays);
  return Object.fromEntries(entries.map(([key, item]) => [key, plainArrays(item)]));
}

/** What a section gave: its raw rows, or the error's identifier. */
type Answer = { readonly rows: unknown } | { readonly error: string };

/**
 * Parses the output of a batch into its sections.
 * Throws `Unreadable` when a line is not what the script writes: the output was cut or is not ours.
 */
export function parseBatch(stdout: Buffer): Map<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const line of stdout.toString('utf8').split('\n')) {
    if (line.trim() === '') continue;
    const parsed = Line.safeParse(jsonOf(line));
    if (!parsed.success) throw new Unreadable('PowerShell gave a line of an unknown form');
    answers.set(parsed.data.section, parsed.data);
  }
  return answers;
}

function jsonOf(line: string): unknown {
  try {
    return plainArrays(JSON.parse(line.replace(/^\uFEFF/, '')));
  } catch {
    throw new Unreadable('PowerShell gave output that is not JSON');
  }
}

const TIMEOUT_MS = 120_000;

/** Runs a batch now, past every memory of it. Throws `Unreadable` when PowerShell cannot run. */
export async function runBatch(context: ReadContext, batch: Batch): Promise<Map<string, Answer>> {
  const args = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', scriptOf(batch)];
  const result = await context.run('powershell.exe', args, { timeoutMs: TIMEOUT_MS });
  if (result.exitCode !== 0 && result.stdout.length === 0) {
    throw new Unreadable(`PowerShell ended with code ${String(result.exitCode)}`);
  }
  return parseBatch(result.stdout);
}

/**
 * Namespace or class missing, or not supported by the hardware (WMI error constants, Microsoft WMI SDK):
 * this host has no such thing, which is an answer and no failure.
 */
const ABSENT = /HRESULT 0x(8004100e|80041010|8004100c)\b/i;

/** The checked rows of one section. Throws `Unreadable` with a reason that does not depend on the host's language. */
export function rowsIn<T>(answers: ReadonlyMap<string, Answer>, section: Section<T>): T[] {
  const answer = answers.get(section.name);
  if (answer === undefined) throw new Unreadable(`PowerShell gave no section ${section.name}`);
  if ('error' in answer) {
    if (ABSENT.test(answer.error)) return [];
    throw new Unreadable(`section ${section.name} failed: ${answer.error}`);
  }
  const rows = z.array(section.shape).safeParse(answer.rows);
  if (rows.success) return rows.data;
  const where = rows.error.issues[0]?.path.filter((part) => typeof part === 'string').join('.') ?? '';
  throw new Unreadable(`section ${section.name} has an unknown form${where === '' ? '' : ` at ${where}`}`);
}

const answered = new WeakMap<ReadContext, Map<Batch, Promise<Map<string, Answer>>>>();

/**
 * The rows of a section; the batch runs once per context.
 * Throws `Unreadable` when PowerShell cannot run, or the section failed or has an unknown form.
 */
export async function readSection<T>(context: ReadContext, batch: Batch, section: Section<T>): Promise<T[]> {
  const batches = answered.get(context) ?? new Map<Batch, Promise<Map<string, Answer>>>();
  answered.set(context, batches);
  const answers = batches.get(batch) ?? runBatch(context, batch);
  batches.set(batch, answers);
  return rowsIn(await answers, section);
}
