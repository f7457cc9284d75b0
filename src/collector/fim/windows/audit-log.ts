import { TooMuchPrinted, Unreadable, type ReadContext } from '../../table.ts';
import { AUDIT_EVENTS, readAudit, type Audited } from './audit-events.ts';
import { parseAudit, type AuditRecords } from './audit-xml.ts';

const PROGRAM = 'wevtutil.exe';

/** Records of one question, questions of one poll, and bounds of one answer: the sensor has little memory. */
const RECORDS = 1_000;
const QUESTIONS = 16;
const LIMITS = { timeoutMs: 60_000, maxBytes: 8 * 1024 * 1024 } as const;

/** Records by which the log itself says that it has not all that happened. */
const GAPS: ReadonlyMap<number, string> = new Map([
  [1101, 'Windows has dropped records of the Security log'],
  [1102, 'the Security log was cleared'],
]);

/** Questions for the number of one record that is too long. */
const SEARCHES = 64;

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
  /** Number of the newest record of any kind when the ends were looked at last. */
  #newest = 0;
  /** Records of the next question. */
  #count = RECORDS;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#after = options.after;
  }

  /** Number of the last record that was read. */
  get after(): number | undefined {
    return this.#after;
  }

  /** Has the next poll look whether all that was not read is still there. */
  checkAgain(): void {
    this.#checked = false;
  }

  /**
   * Reads what is new, so much at a time. Returns whether that was all. Throws `Unreadable` where the log can't be read; the
   * next poll goes on at the same place.
   */
  async poll(): Promise<boolean> {
    if (!this.#checked) await this.#begin();
    for (let questions = 0; questions < QUESTIONS; questions += 1) {
      if (await this.#next()) {
        // Those in between were of no use: that they go later is no loss.
        this.#after = Math.max(this.#after ?? 0, this.#newest);
        return true;
      }
    }
    return false;
  }

  /** Asks for the next ones, for fewer where so many are too long together. Returns whether those were the last. */
  async #next(): Promise<boolean> {
    const count = this.#count;
    const answer = await this.#unlessTooMuch(newer(this.#after ?? 0), count);
    if (answer === undefined) {
      if (count === 1) await this.#passOver();
      this.#count = Math.max(1, Math.floor(count / 2));
      return false;
    }
    this.#take(answer);
    const all = answer.records.length + answer.unknown < count;
    if (all) this.#count = RECORDS;
    return all;
  }

  /**
   * Passes over the next record, which alone is longer than an answer may be: finds its number by asking for ranges of numbers,
   * wider ones while they are empty and narrower ones where it is in them.
   */
  async #passOver(): Promise<void> {
    let from = this.#after ?? 0;
    let width = 1;
    for (let searches = 0; searches < SEARCHES; searches += 1) {
      const answer = await this.#unlessTooMuch(newer(from, from + width), 1);
      if (answer !== undefined) {
        from += width;
        width *= 2;
      } else if (width > 1) width = Math.floor(width / 2);
      else {
        this.#after = from + 1;
        this.#options.lost('a record of the Security log is longer than can be read', 1);
        return;
      }
    }
    throw new Unreadable(`the Security log can't be read: ${PROGRAM} printed more than allowed`);
  }

  async #unlessTooMuch(query: string, count: number): Promise<AuditRecords | undefined> {
    try {
      return await this.#query(query, `/count:${String(count)}`);
    } catch (error) {
      if (error instanceof TooMuchPrinted) return undefined;
      throw error;
    }
  }

  /** Finds the end of the log, and whether all since the run before is still there. */
  async #begin(): Promise<void> {
    const newest = await this.#end('/reversedirection:true');
    const oldest = await this.#end('/reversedirection:false');
    const after = this.#after;
    this.#checked = true;
    this.#newest = newest ?? 0;
    if (after === undefined || newest === undefined || newest < after) {
      if (after !== undefined) this.#options.lost('the Security log was cleared', undefined);
      this.#after = newest ?? 0;
    } else if (oldest !== undefined && oldest > after + 1) {
      const missing = oldest - after - 1;
      this.#options.lost('the Security log has overwritten records that were not read', missing);
      this.#after = oldest - 1;
    }
  }

  /** What can't be read counts as lost, and is not asked for again. */
  #take({ records, unknown, newest }: AuditRecords): void {
    if (unknown > 0) this.#options.lost('records of the Security log could not be read', unknown);
    for (const { eventId } of records) {
      const gap = GAPS.get(eventId);
      if (gap !== undefined) this.#options.lost(gap, undefined);
    }
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

/** XPath of the records after one, up to another if that is given, that say something of use. */
function newer(after: number, upTo?: number): string {
  const events = [...GAPS.keys(), ...AUDIT_EVENTS].map((id) => `EventID=${id}`).join(' or ');
  const bound = upTo === undefined ? '' : ` and EventRecordID<=${upTo}`;
  return `*[System[(EventRecordID>${after}${bound}) and (${events})]]`;
}

/** UTF-16 as `/unicode:true` asks for, with a mark of its order or without; UTF-8 where it was not heeded. */
function textOf(bytes: Buffer): string {
  const marked = bytes.length >= 2 && bytes.readUInt16LE(0) === 0xfeff;
  const wide = marked || (bytes.length >= 2 && bytes[1] === 0);
  return wide ? bytes.toString('utf16le', marked ? 2 : 0) : bytes.toString('utf8');
}
