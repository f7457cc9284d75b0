import { SaxesParser } from 'saxes';

/*
 * Records of the Security log as `wevtutil query-events /format:XML` prints them: one `Event` element after the other
 * (Windows Event Log, "Event Schema"). The parser knows no document types, so no entity can grow.
 */

/** Bounds of one text, one record and one value, in characters; and fields of one record. */
const MAX = { text: 16 * 1024 * 1024, record: 1024 * 1024, value: 64 * 1024, fields: 64 } as const;

/** What Windows itself writes of a record stands before its data: the number is looked for in so many characters. */
const SYSTEM_CHARS = 4_096;

/** One record of the log. */
export interface AuditRecord {
  readonly eventId: number;
  readonly recordId: number;
  /** Ms since the epoch. */
  readonly at: number;
  /** Values of `EventData` by their name. */
  readonly data: ReadonlyMap<string, string>;
}

export interface AuditRecords {
  readonly records: readonly AuditRecord[];
  /** Records that could not be read. */
  readonly unknown: number;
  /** The highest number of a record, whether it could be read or not; `undefined` where none has one. */
  readonly newest: number | undefined;
}

/** The end of a record. In a value `<` is escaped, so it stands nowhere else. */
const END = '</Event>';

/** Reads the records of a text. A record that is not well-formed is counted and costs no other. Never throws. */
export function parseAudit(text: string): AuditRecords {
  const records: AuditRecord[] = [];
  let unknown = text.length > MAX.text ? 1 : 0;
  let newest: number | undefined;
  let from = 0;
  const last = Math.min(text.length, MAX.text);
  for (let end = text.indexOf(END); end >= 0 && end < last; end = text.indexOf(END, from)) {
    const record = end - from > MAX.record ? undefined : parseRecord(text.slice(from, end + END.length));
    if (record === undefined) unknown += 1;
    else records.push(record);
    const number = record?.recordId ?? numberOf(text.slice(from, Math.min(end, from + SYSTEM_CHARS)));
    if (number !== undefined) newest = Math.max(newest ?? 0, number);
    from = end + END.length;
  }
  return { records, unknown, newest };
}

/** The number of a record that can't be read: without it the same one would be read for ever. */
function numberOf(xml: string): number | undefined {
  const [, digits] = /<EventRecordID>(\d{1,15})<\/EventRecordID>/.exec(xml) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** What of a record is gathered while it is parsed. */
class Gathered {
  readonly data = new Map<string, string>();
  eventId = '';
  recordId = '';
  time = '';
  #path: string[] = [];
  #name = '';
  #text = '';

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#path.push(name);
    this.#text = '';
    if (name === 'Data') this.#name = attributes['Name'] ?? '';
    if (this.#at('Event/System/TimeCreated')) this.time = attributes['SystemTime'] ?? '';
  }

  text(text: string): void {
    if (this.#text.length < MAX.value) this.#text = (this.#text + text).slice(0, MAX.value);
  }

  close(): void {
    if (this.#at('Event/System/EventID')) this.eventId = this.#text;
    if (this.#at('Event/System/EventRecordID')) this.recordId = this.#text;
    if (this.#at('Event/EventData/Data') && this.#name !== '' && this.data.size < MAX.fields) {
      this.data.set(this.#name, this.#text);
    }
    this.#path.pop();
    this.#text = '';
  }

  #at(path: string): boolean {
    return this.#path.join('/') === path;
  }
}

function parseRecord(xml: string): AuditRecord | undefined {
  const gathered = new Gathered();
  const parser = new SaxesParser<{ xmlns: false }>({ xmlns: false });
  parser.on('opentag', ({ name, attributes }) => {
    gathered.open(name, attributes);
  });
  parser.on('text', (text) => {
    gathered.text(text);
  });
  parser.on('cdata', (text) => {
    gathered.text(text);
  });
  parser.on('closetag', () => {
    gathered.close();
  });
  try {
    // What stands before the first element: line ends between records, a mark of the byte order.
    parser.write(xml.slice(Math.max(0, xml.indexOf('<')))).close();
  } catch {
    return undefined;
  }
  return recordOf(gathered);
}

function recordOf({ eventId, recordId, time, data }: Gathered): AuditRecord | undefined {
  const at = Date.parse(time);
  if (!/^\d{1,5}$/.test(eventId) || !/^\d{1,15}$/.test(recordId) || Number.isNaN(at)) return undefined;
  return { eventId: Number(eventId), recordId: Number(recordId), at, data };
}
