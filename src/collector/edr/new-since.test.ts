import { describe, expect, it } from 'vitest';
import { NewSince } from './new-since.ts';

describe('what is new in a list', () => {
  it('R201 is what was not there at the last look, each once; a first look finds nothing new', () => {
    const news = new NewSince<string>((one) => one);
    expect(news.of('a', ['1'])).toEqual([]);
    expect(news.of('a', ['1', '2', '2'])).toEqual(['2']);
    expect(news.of('a', ['2'])).toEqual([]);
    expect(news.of('a', ['1', '2'])).toEqual(['1']);
    expect(news.of('b', ['1'])).toEqual([]);
  });

  it('is all that a first look finds, where that is wanted, and again after a list was forgotten', () => {
    const news = new NewSince<string>((one) => one, true);
    expect([news.of('a', ['1']), news.of('a', ['1']), news.of('b', ['1'])]).toEqual([['1'], [], ['1']]);
    news.keepOnly(new Set(['a']));
    expect([news.of('a', ['1']), news.of('b', ['1'])]).toEqual([[], ['1']]);
    news.reset();
    expect(news.of('a', ['1'])).toEqual(['1']);
  });
});
