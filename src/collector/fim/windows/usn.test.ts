import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHANGE } from '../change.ts';
import { usnAnswer, usnJournal, usnRecord } from './testing/usn-bytes.ts';
import { changeOf, decodeJournal, decodeRecords, encodeRead, fileTimeMs } from './usn.ts';

describe('the change journal of NTFS', () => {
  it('R208 is read from what the volume says of it', () => {
    expect(decodeJournal(usnJournal(0x01d9_0000_0000_0007n, 4_096n, 8_192n))).toEqual({
      id: 0x01d9_0000_0000_0007n,
      firstUsn: 4_096n,
      nextUsn: 8_192n,
    });
    expect(decodeJournal(usnJournal(1n, 2n, 3n).subarray(0, 55))).toBeUndefined();
  });

  it('is asked for every reason, in the form that Windows has for records of versions 2 and 3', () => {
    const question = encodeRead(0x0102_0304_0506_0708n, 0x1234n);
    expect(question.toString('hex')).toBe(
      ['3412000000000000', 'ffffffff', '00000000', '0000000000000000', '0000000000000000']
        .concat(['0807060504030201', '0200', '0300', '00000000'])
        .join(''),
    );
  });

  it('R200 R208 gives records of version 2', () => {
    const record = usnRecord({
      usn: 77n,
      at: 1_700_000_000_123,
      reason: 0x8000_0102,
      name: 'na\u00efve \u{1f600}.txt',
    });
    expect(decodeRecords(usnAnswer(4_200n, record))).toEqual({
      next: 4_200n,
      unknown: 0,
      records: [
        {
          usn: 77n,
          file: '4200000000000300',
          parent: '0500000000000500',
          at: 1_700_000_000_123,
          reason: 0x8000_0102,
          directory: false,
          name: 'na\u00efve \u{1f600}.txt',
        },
      ],
    });
  });

  it('R208 gives records of version 3, of directories, one after the other', () => {
    const records = [usnRecord({ version: 3, attributes: 0x10, name: 'odd' }), usnRecord({ name: 'b' })];
    const decoded = decodeRecords(usnAnswer(1n, ...records));
    expect(
      decoded?.records.map(({ file, parent, directory, name }) => [file, parent, directory, name]),
    ).toEqual([
      ['42000000000003000000000000000000', '05000000000005000000000000000000', true, 'odd'],
      ['4200000000000300', '0500000000000500', false, 'b'],
    ]);
  });

  it('keeps a name that is no valid UTF-16, and one without a character', () => {
    const names = decodeRecords(usnAnswer(1n, usnRecord({ name: 'a\ud800' }), usnRecord({ name: '' })));
    expect(names?.records.map(({ name }) => name)).toEqual(['a\ud800', '']);
  });

  it.each([
    ['a version of later', usnRecord({ version: 4 })],
    ['a record shorter than its fields', Buffer.from(usnRecord()).subarray(0, 56)],
    ['a name that begins inside the fields', patched(58, 59)],
    ['a name that ends after the record', patched(56, 20)],
    ['half a character', patched(56, 3)],
  ])('counts %s, and goes on behind it', (_what, bytes) => {
    const first = Buffer.from(bytes);
    first.writeUInt32LE(first.length, 0);
    const decoded = decodeRecords(usnAnswer(1n, first, usnRecord({ name: 'next' })));
    expect(decoded?.unknown).toBe(1);
    expect(decoded?.records.map(({ name }) => name)).toEqual(['next']);
  });

  function patched(at: number, value: number): Buffer {
    const bytes = usnRecord({ name: 'abcd' });
    bytes.writeUInt16LE(value, at);
    return bytes;
  }

  it.each([
    ['nothing', 0],
    ['less than a header', 7],
    ['more than there is', 73],
  ])('ends where the length of a record says %s', (_what, length) => {
    const bytes = usnRecord({ name: 'abcd' });
    bytes.writeUInt32LE(length, 0);
    const decoded = decodeRecords(usnAnswer(9n, usnRecord({ name: 'a' }), bytes));
    expect(decoded).toMatchObject({ next: 9n, unknown: 1 });
    expect(decoded?.records.map(({ name }) => name)).toEqual(['a']);
  });

  it('takes a record that ends with the answer, and passes over a rest that holds none', () => {
    expect(decodeRecords(usnAnswer(1n))).toEqual({ next: 1n, records: [], unknown: 0 });
    expect(decodeRecords(usnAnswer(1n, usnRecord(), Buffer.alloc(7)))?.records).toHaveLength(1);
    expect(decodeRecords(Buffer.alloc(7))).toBeUndefined();
  });

  it('finds the next record at a multiple of eight bytes', () => {
    const odd = usnRecord({ name: 'a' });
    odd.writeUInt32LE(62, 0);
    expect(
      decodeRecords(usnAnswer(1n, odd, usnRecord({ name: 'b' })))?.records.map(({ name }) => name),
    ).toEqual(['a', 'b']);
  });

  it('never throws and always ends, whatever the bytes', () => {
    const answers = fc.array(fc.oneof(fc.uint8Array({ maxLength: 90 }), fc.constant(usnRecord())), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(answers, (parts) => {
        const decoded = decodeRecords(usnAnswer(1n, ...parts.map((part) => Buffer.from(part))));
        const total = parts.reduce((sum, part) => sum + part.length, 0);
        expect((decoded?.records.length ?? 0) + (decoded?.unknown ?? 0)).toBeLessThanOrEqual(total / 8 + 1);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decodeRecords(Buffer.from(bytes));
        expect(decoded === undefined).toBe(bytes.length < 8);
      }),
    );
  });

  it('gives back whatever was written', () => {
    const fields = fc.record({
      version: fc.constantFrom(2, 3),
      usn: fc.bigInt({ min: 0n, max: 2n ** 62n }),
      at: fc.integer({ min: -10_000_000_000, max: 4_000_000_000_000 }),
      reason: fc.integer({ min: 0, max: 0xffff_ffff }),
      name: fc.string({ unit: 'grapheme', maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 5 }), (records) => {
        const decoded = decodeRecords(usnAnswer(5n, ...records.map((record) => usnRecord(record))));
        expect(decoded?.records).toMatchObject(records.map(({ version: _, ...rest }) => rest));
      }),
    );
  });
});

describe('reasons of the change journal', () => {
  it.each([
    ['data overwritten', 0x1, CHANGE.modified],
    ['data extended', 0x2, CHANGE.modified],
    ['data truncated', 0x4, CHANGE.modified],
    ['a named stream overwritten', 0x10, CHANGE.modified],
    ['a named stream extended', 0x20, CHANGE.modified],
    ['a named stream truncated', 0x40, CHANGE.modified],
    ['created', 0x100, CHANGE.created],
    ['deleted', 0x200, CHANGE.deleted],
    ['extended attributes', 0x400, CHANGE.attributes],
    ['security', 0x800, CHANGE.attributes],
    ['the old name', 0x1000, CHANGE.movedFrom],
    ['the new name', 0x2000, CHANGE.movedTo],
    ['whether it is indexed', 0x4000, 0],
    ['attributes or times', 0x8000, CHANGE.attributes],
    ['a hard link', 0x1_0000, CHANGE.created | CHANGE.deleted],
    ['compression', 0x2_0000, CHANGE.attributes],
    ['encryption', 0x4_0000, CHANGE.attributes],
    ['an object number', 0x8_0000, 0],
    ['a reparse point', 0x10_0000, CHANGE.attributes],
    ['a named stream made or gone', 0x20_0000, CHANGE.modified],
    ['closed', 0x8000_0000, 0],
    ['written and closed', 0x8000_0002, CHANGE.modified | CHANGE.closedAfterWrite],
    ['created and closed', 0x8000_0100, CHANGE.created | CHANGE.closedAfterWrite],
    ['closed after a change of security', 0x8000_0800, CHANGE.attributes],
  ])('R208 %s', (_what, reason, what) => {
    expect(changeOf(reason)).toBe(what);
  });

  it('add up', () => {
    expect(changeOf(0x102)).toBe(CHANGE.created | CHANGE.modified);
  });
});

describe('times of Windows', () => {
  it('become ms since 1970, and 0 where no date can say them', () => {
    expect(fileTimeMs(116_444_736_000_000_000n)).toBe(0);
    expect(fileTimeMs(116_444_736_010_009_999n)).toBe(1_000);
    expect(fileTimeMs(0n)).toBe(-11_644_473_600_000);
    expect(fileTimeMs(2n ** 63n - 1n)).toBe(910_692_730_085_477);
    expect(fileTimeMs(86_516_444_736_000_000_000n)).toBe(8.64e15);
    expect(fileTimeMs(86_516_444_736_000_010_000n)).toBe(0);
  });
});
