/* Records of the Security log as wevtutil prints them, with fields that the documentation of each event has. */

export interface RecordParts {
  readonly id: number;
  readonly record?: number;
  readonly time?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export const SUBJECT = {
  SubjectUserSid: 'S-1-5-21-3457937927-2839227994-823803824-1104',
  SubjectUserName: 'anna',
  SubjectDomainName: 'CORP',
  SubjectLogonId: '0x364eb',
} as const;

/** One `Event` element. */
export function auditXml({
  id,
  record = 1,
  time = '2026-11-28T01:02:03.9876543Z',
  data = {},
}: RecordParts): string {
  const fields = Object.entries(data).map(([name, value]) =>
    value === '' ? `<Data Name='${name}' />` : `<Data Name='${name}'>${escape(value)}</Data>`,
  );
  return (
    `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>` +
    `<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>` +
    `<EventID>${id}</EventID><Version>1</Version><Level>0</Level><Keywords>0x8020000000000000</Keywords>` +
    `<TimeCreated SystemTime='${time}'/><EventRecordID>${record}</EventRecordID><Correlation/>` +
    `<Execution ProcessID='4' ThreadID='4824'/><Channel>Security</Channel><Computer>PC.corp.local</Computer>` +
    `<Security/></System><EventData>${fields.join('')}</EventData></Event>`
  );
}
