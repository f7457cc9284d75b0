import { describe, expect, it } from 'vitest';
import { OwnerLoop } from './loop.ts';

describe('the owner loop', () => {
  it('handles one event at a time: what an event posts comes after it, in order', () => {
    const done: string[] = [];
    const loop = new OwnerLoop(
      () => done.push('plan'),
      () => undefined,
    );
    const say = (name: string): void => {
      loop.post({ name, handle: () => done.push(name) });
    };
    loop.post({
      name: 'first',
      handle: () => {
        say('second');
        say('third');
        done.push('first');
      },
    });
    expect(done).toEqual(['first', 'plan', 'second', 'plan', 'third', 'plan']);
  });

  it('goes on after an error of an event and of the plan, and tells both', () => {
    const errors: string[] = [];
    let plans = 0;
    const loop = new OwnerLoop(
      () => {
        plans += 1;
        if (plans === 2) throw new Error('no plan');
      },
      (event, error) => errors.push(`${event}: ${(error as Error).message}`),
    );
    const fail = (): never => {
      throw new Error('no event');
    };
    loop.post({ name: 'a', handle: fail });
    loop.post({ name: 'b', handle: () => undefined });
    loop.post({ name: 'c', handle: () => undefined });
    expect(errors).toEqual(['a: no event', 'after b: no plan']);
    expect(plans).toBe(3);
  });

  it('handles nothing more once it is stopped, not even what waits', () => {
    const done: string[] = [];
    const loop = new OwnerLoop(
      () => done.push('plan'),
      () => undefined,
    );
    loop.post({
      name: 'last',
      handle: () => {
        loop.post({ name: 'waiting', handle: () => done.push('waiting') });
        loop.stop();
      },
    });
    loop.post({ name: 'late', handle: () => done.push('late') });
    expect(done).toEqual([]);
  });
});
