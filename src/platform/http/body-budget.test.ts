import { describe, expect, it } from 'vitest';
import { createBodyBudget } from './body-budget.ts';

describe('the budget of bodies on their way', () => {
  it('refuses what would exceed the share of one sender, and leaves room for others', () => {
    const { take } = createBodyBudget({ total: 100, perSender: 60 });
    expect(take('a', 60)).toBeTypeOf('function');
    expect(take('a', 1)).toBeUndefined();
    expect(take('b', 40)).toBeTypeOf('function');
  });

  it('refuses what would exceed the whole', () => {
    const { take } = createBodyBudget({ total: 100, perSender: 60 });
    take('a', 60);
    expect(take('b', 41)).toBeUndefined();
    expect(take('b', 40)).toBeTypeOf('function');
  });

  it('takes back once what was given, however often it is returned', () => {
    const { take } = createBodyBudget({ total: 100, perSender: 60 });
    const release = take('a', 50);
    take('b', 40);
    release?.();
    release?.();
    expect(take('c', 61)).toBeUndefined();
    expect(take('c', 60)).toBeTypeOf('function');
    expect(take('a', 0)).toBeTypeOf('function');
  });
});
