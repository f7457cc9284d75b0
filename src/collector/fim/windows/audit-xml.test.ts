import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAudit } from './audit-events.ts';
import { parseAudit } from './audit-xml.ts';
import { auditXml } from './testing/audit-xml.ts';

const AT = Date.parse('2026-11-28T01:02:03.987Z');

describe('records of the Security log as XML', () => {
  it('R208 are read one after the other, whatever stands between them', () => {
    const text = `\ufeff${auditXml({ id: 4688, record: 7, data: { A: '1', B: '' } })}\r\n\r\n${auditXml({ id: 4689, record: 8 })}\n`;
    expect(parseAudit(text)).toEqual({
      newest: 8,
      unknown: 0,
      records: [
        {
          eventId: 4688,
          recordId: 7,
          at: AT,
          data: new Map([
            ['A', '1'],
            ['B', ''],
          ]),
        },
        { eventId: 4689, recordId: 8, at: AT, data: new Map() },
      ],
    });
  });

  it('have their characters back, also in sections and references', () => {
    const xml = auditXml({ id: 4663, data: { ObjectName: 'C:\\a & <b>\u00e4' } }).replace(
      '</EventData>',
      "<Data Name='More'>&#x41;<![CDATA[<x>]]></Data></EventData>",
    );
    expect(parseAudit(xml).records[0]?.data).toEqual(
      new Map([
        ['ObjectName', 'C:\\a & <b>\u00e4'],
        ['More', 'A<x>'],
      ]),
    );
  });

  it.each([
    ['is not well-formed', '<Event><System><EventID>1</System></Event>'],
    ['has an entity of its own', '<!DOCTYPE x [<!ENTITY a "b">]><Event><System>&a;</System></Event>'],
    ['has no number', auditXml({ id: 4663 }).replace('<EventID>4663</EventID>', '')],
    ['has a number that is none', auditXml({ id: 4663 }).replace('>4663<', '>x<')],
    ['has no record number', auditXml({ id: 4663 }).replace('<EventRecordID>1</EventRecordID>', '')],
    ['has a time that is none', auditXml({ id: 4663, time: 'now' })],
    ['holds a control character', auditXml({ id: 4663, data: { A: '\u0001' } })],
    ['is larger than allowed', auditXml({ id: 4663, data: { A: 'x'.repeat(1024 * 1024) } })],
  ])('are counted where one %s, and the next one is read', (_what, xml) => {
    const { records, unknown, newest } = parseAudit(xml + auditXml({ id: 4689, record: 9 }));
    expect(records.map(({ recordId }) => recordId)).toEqual([9]);
    expect([unknown, newest]).toEqual([1, 9]);
  });

  it('do not grow by entities', () => {
    const bomb = `<!DOCTYPE b [<!ENTITY a "${'x'.repeat(1_000)}"><!ENTITY c "&a;&a;&a;&a;">]>`;
    expect(parseAudit(`${bomb}<Event><System><EventID>&c;</EventID></System></Event>`)).toEqual({
      records: [],
      unknown: 1,
      newest: undefined,
    });
  });

  it('R208 have their number where the rest of one can not be read, from where Windows writes it alone', () => {
    const broken = (record: number, text: string) =>
      auditXml({ id: 4688, record }).replace('</EventData>', `${text}</EventData>`);
    expect(parseAudit(broken(8, '\u0001'))).toEqual({ records: [], unknown: 1, newest: 8 });
    const told = broken(8, '\u0001<EventRecordID>99</EventRecordID>');
    expect(parseAudit(told)).toEqual({ records: [], unknown: 1, newest: 8 });
    const late = told.replace('<EventRecordID>8</EventRecordID>', ' '.repeat(10_000));
    expect(parseAudit(late).newest).toBeUndefined();
  });

  it('are bounded in values and fields', () => {
    const data = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`F${at}`, 'v']));
    expect(parseAudit(auditXml({ id: 1, data })).records[0]?.data.size).toBe(64);
    const long = parseAudit(auditXml({ id: 1, data: { A: 'x'.repeat(100_000) } }));
    expect(long.records[0]?.data.get('A')).toHaveLength(65_536);
  });

  it('take values of EventData alone, and those that have a name', () => {
    const xml = auditXml({ id: 1, data: { A: '1' } })
      .replace('<Security/>', "<Data Name='Fake'>x</Data><Security/>")
      .replace('</EventData>', '<Data>nameless</Data><Other><Data Name="Deep">y</Data></Other></EventData>');
    expect(parseAudit(xml).records[0]?.data).toEqual(new Map([['A', '1']]));
  });

  it('leave a last one out that was cut', () => {
    const whole = auditXml({ id: 1 });
    expect(parseAudit(whole + whole.slice(0, -3))).toMatchObject({ unknown: 0, records: [{ eventId: 1 }] });
    expect(parseAudit('')).toEqual({ records: [], unknown: 0, newest: undefined });
  });

  it('never throw, whatever the text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('</Event>', '<Event>', '<Data Name="A">', '&', auditXml({ id: 1 })),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const { records, unknown } = parseAudit(text);
        expect(records.length + unknown).toBe(text.split('</Event>').length - 1);
        for (const record of records) expect(() => readAudit(record)).not.toThrow();
      }),
    );
  });
});
