import { describe, expect, it } from 'vitest';
import { printable } from './printable.ts';

describe('text of other machines', () => {
  it.each([
    ['a\nb', 'a?b'],
    ['\u001b[2Jgone', '?[2Jgone'],
    ['\u009b2J', '?2J'],
    ['abc\u202edcba', 'abc?dcba'],
    ['plain – ünïcode \u{1F600}', 'plain – ünïcode \u{1F600}'],
  ])('%j is printed as %j', (given, shown) => {
    expect(printable(given)).toBe(shown);
  });
});
