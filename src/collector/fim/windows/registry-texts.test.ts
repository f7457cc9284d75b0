import { describe, expect, it } from 'vitest';
import { FimRuleParams } from '../../../shared/file-integrity.ts';
import { shownData } from './registry-events.ts';
import { holdsSecret, MOST_SHOWN, textsOfData, withoutSecrets } from './registry-texts.ts';

const REG_SZ = 1;
const REG_MULTI_SZ = 7;
const data = (text: string): Buffer => Buffer.from(text, 'utf16le');
const rules = [{ ...FimRuleParams.parse({ kind: 'registry', path: 'HKCU\\X', diff: true }), id: 'rule' }];

describe('texts of registry values', () => {
  it.each([
    [
      ['prog', '--password', 'hunter2'],
      ['prog', '--password', '[redacted]'],
    ],
    [
      ['--password', 'hunter2'],
      ['--password', '[redacted]'],
    ],
    [
      ['mysql', '-phunter2'],
      ['mysql', '-p[redacted]'],
    ],
    [
      ['curl', '-u', 'me:hunter2'],
      ['curl', '-u', 'me:[redacted]'],
    ],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [['a.exe --password=hunter2'], ['a.exe --password=[redacted]']],
  ])('several are arguments of which one may say what the next one is: %o', (texts, shown) => {
    expect(withoutSecrets(texts)).toEqual(shown);
  });

  it('hold a secret where a part of them is kept back', () => {
    expect(holdsSecret(REG_MULTI_SZ, data('prog\0--password\0hunter2\0\0'))).toBe(true);
    expect(holdsSecret(REG_SZ, data('a.exe --password=hunter2\0'))).toBe(true);
    expect(holdsSecret(REG_SZ, data('a.exe --verbose\0'))).toBe(false);
    expect(textsOfData(REG_SZ, data('a\0hidden'))).toEqual(['a']);
  });

  it('are measured as they are shown: what is blanked may be longer', () => {
    const named = { key: 'HKU\\S\\X', value: 'v' };
    const text = 'pwd=1 '.repeat(5_400);
    expect(text.length).toBeLessThan(MOST_SHOWN);
    expect(shownData(named, [text], rules)).toEqual({ data: {}, why: { no_diff: 'longer than is shown' } });
    expect(shownData(named, undefined, rules).why.no_diff).toBe('longer than is shown');
  });
});
