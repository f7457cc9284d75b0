import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { charsetOf, decodeScript } from './script-text.ts';

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

describe('the text of a script', () => {
  it.each([
    ['UTF-8', Buffer.from('// grün'), undefined, '// grün'],
    ['UTF-8 with its mark', Buffer.from('\uFEFF// grün'), undefined, '// grün'],
    ['a mark against the charset named', Buffer.from('\uFEFF// grün'), 'iso-8859-1', '// grün'],
    ['UTF-16 with its mark', Buffer.from('\uFEFF// grün', 'utf16le'), undefined, '// grün'],
    ['UTF-16, big end first', bytes(0xfe, 0xff, 0, 0x2f, 0, 0xfc), undefined, '/ü'],
    ['Latin-1, said so', Buffer.from('// grün', 'latin1'), 'iso-8859-1', '// grün'],
    ['Latin-1, not said', Buffer.from('// grün', 'latin1'), undefined, '// grün'],
    ['Latin-1 called UTF-8', Buffer.from('// grün', 'latin1'), 'utf-8', '// grün'],
    ['a charset that nobody knows', Buffer.from('// grün'), 'x-klingon', '// grün'],
    ['nothing', bytes(), undefined, ''],
  ])('reads %s', (_name, content, charset, text) => {
    expect(decodeScript(content, charset)).toBe(text);
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.option(fc.string(), { nil: undefined }), (content, charset) => {
        expect(decodeScript(content, charset).length).toBeLessThanOrEqual(content.length);
      }),
    );
  });

  it('finds the charset in a content type', () => {
    expect(charsetOf('application/x-ns-proxy-autoconfig; charset=ISO-8859-1')).toBe('ISO-8859-1');
    expect(charsetOf('text/plain;Charset="utf-8"; x=y')).toBe('utf-8');
    expect(charsetOf('text/plain')).toBeUndefined();
    expect(charsetOf(undefined)).toBeUndefined();
  });
});
