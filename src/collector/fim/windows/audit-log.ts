import { Unreadable, type ReadContext } from '../../table.ts';
import { AUDIT_EVENTS, readAudit, type Audited } from './audit-events.ts';
import { parseAudit, type AuditRecords } from './audit-xml.ts';

const PROGRAM = 'wevtutil.exe';

/** Records of one question, questions of one poll, and bounds of one answer. */
const RECORDS = 2_000;
const QUESTIONS = 8;
const LIMITS = { timeoutMs: 60_000, maxBytes: 64 * 1024 * 1024 } as const;

export interface AuditLogOptions {
  readonly run: ReadContext['run'];
  /** Number of the last record that was read in the run before; `undefined` to begin with what comes. */
  readonly after: number | undefined;
  readonly audited: (audited: readonly Audited[]) => void;
  /** Records are gone that were not read, or could not be; how many, where it is known. */
  readonly lost: (reason: string, count: number | undefined) => void;
}

/** Reads the Security log from where it was read last, through wevtutil(1): its records are numbered one after the other. */
export class AuditLog {
  readonly #options: AuditLogOptions;
  #after: number | undefined;
  #checked = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#after = options.after;
  }

  /** Number of the last record that was read. */
  get after(): number | undefined {
    return this.#after;
  }

  /**
   * Reads what is new, so much at a time. Returns whether that was all. Throws `Unreadable` where the log can't be read; the
   * next poll goes on at the same place.
   */
  async poll(): Promise<boolean> {
    if (!this.#checked) await this.#begin();
    for (let questions = 0; questions < QUESTIONS; questions += 1) {
      const answer = await this.#query(newer(this.#after ?? 0), `/count:${RECORDS}`);
      this.#take(answer);
      if (answer.records.length + answer.unknown < RECORDS) return true;
    }
    return false;
  }

  /** Finds the end of the log, and whether all since the run before is still there. */
  async #begin(): Promise<void> {
    const newest = await this.#end('/reversedirection:true');
    const oldest = await this.#end('/reversedirection:false');
    const after = this.#after;
    this.#checked = true;
    if (after === undefined || newest === undefined || newest < after) {
      if (after !== undefined) this.#options.lost('the Security log was cleared', undefined);
      this.#after = newest ?? 0;
    } else if (oldest !== undefined && oldest > after + 1) {
      const missing = oldest - after - 1;
      this.#options.lost('the Security log has overwritten records that were not read', missing);
    }
  }

  /** What can't be read counts as lost, and is not asked for again. */
  #take({ records, unknown, newest }: AuditRecords): void {
    if (unknown > 0) this.#options.lost('records of the Security log could not be read', unknown);
    const audited = records.map(readAudit).filter((said) => said !== undefined);
    if (audited.length > 0) this.#options.audited(audited);
    this.#after = Math.max(this.#after ?? 0, newest ?? 0);
  }

  /** Number of the newest or the oldest record of any kind; `undefined` where the log is empty. */
  async #end(direction: string): Promise<number | undefined> {
    return (await this.#query('*', '/count:1', direction)).newest;
  }

  async #query(query: string, ...options: readonly string[]): Promise<AuditRecords> {
    const args = ['query-events', 'Security', `/query:${query}`, '/format:XML', '/unicode:true', ...options];
    const { exitCode, stdout } = await this.#options.run(PROGRAM, args, LIMITS);
    // What it prints as its reason is in the language of the host.
    if (exitCode !== 0) {
      throw new Unreadable(`the Security log can't be read: ${PROGRAM} ended with code ${exitCode}`);
    }
    const read = parseAudit(textOf(stdout));
    // Without any number there is no place to go on at: the same would be read, and told as lost, for ever.
    if (read.unknown > 0 && read.newest === undefined) {
      throw new Unreadable('records of the Security log are of no known form');
    }
    return read;
  }
}

/** XPath of the records after one that say something of use. */
function newer(after: number): string {
  const events = AUDIT_EVENTS.map((id) => `EventID=${id}`).join(' or ');
  return `*[System[(EventRecordID>${after}) and (${events})]]`;
}

/** UTF-16 as `/unicode:true` asks for, with a mark of its order or without; UTF-8 where it was not heeded. */
function textOf(bytes: Buffer): string {
  const marked = bytes.length >= 2 && bytes.readUInt16LE(0) === 0xfeff;
  const wide = marked || (bytes.length >= 2 && bytes[1] === 0);
  return wide ? bytes.toString('utf16le', marked ? 2 : 0) : bytes.toString('utf8');
}
