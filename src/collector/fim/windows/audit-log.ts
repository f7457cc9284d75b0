import { Unreadable, type ReadContext } from '../../table.ts';
import { AUDIT_EVENTS, readAudit, type Audited } from './audit-events.ts';
import { parseAudit, type AuditRecord, type AuditRecords } from './audit-xml.ts';

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
      const { records, unknown } = await this.#query(newer(this.#after ?? 0), `/count:${RECORDS}`);
      if (unknown > 0) this.#options.lost('records of the Security log could not be read', unknown);
      this.#take(records);
      if (records.length + unknown < RECORDS || records.length === 0) return true;
    }
    return false;
  }

  /** Finds the end of the log, and whether all since the run before is still there. */
  async #begin(): Promise<void> {
    const newest = await this.#one('/reversedirection:true');
    const oldest = await this.#one('/reversedirection:false');
    const after = this.#after;
    this.#checked = true;
    if (after === undefined || newest === undefined || newest.recordId < after) {
      if (after !== undefined) this.#options.lost('the Security log was cleared', undefined);
      this.#after = newest?.recordId ?? 0;
    } else if (oldest !== undefined && oldest.recordId > after + 1) {
      const missing = oldest.recordId - after - 1;
      this.#options.lost('the Security log has overwritten records that were not read', missing);
    }
  }

  #take(records: readonly AuditRecord[]): void {
    const audited = records.map(readAudit).filter((said) => said !== undefined);
    if (audited.length > 0) this.#options.audited(audited);
    for (const { recordId } of records) this.#after = Math.max(this.#after ?? 0, recordId);
  }

  async #one(direction: string): Promise<AuditRecord | undefined> {
    const { records } = await this.#query('*', '/count:1', direction);
    return records[0];
  }

  async #query(query: string, ...options: readonly string[]): Promise<AuditRecords> {
    const args = ['query-events', 'Security', `/query:${query}`, '/format:XML', '/unicode:true', ...options];
    const { exitCode, stdout } = await this.#options.run(PROGRAM, args, LIMITS);
    // What it prints as its reason is in the language of the host.
    if (exitCode !== 0) {
      throw new Unreadable(`the Security log can't be read: ${PROGRAM} ended with code ${exitCode}`);
    }
    return parseAudit(textOf(stdout));
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
