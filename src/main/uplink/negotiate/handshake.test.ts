import { describe, expect, it } from 'vitest';
import {
  NegotiateFailed,
  negotiateWith,
  STEP_DEADLINE_MS,
  type SecurityContext,
  type StartTimer,
} from './handshake.ts';

/** A context whose steps end when the test says so. */
class SlowContext implements SecurityContext {
  readonly inputs: (Buffer | undefined)[] = [];
  released = 0;
  #settle: { resolve: (token: Buffer) => void; reject: (error: Error) => void } | undefined;

  step = (input: Buffer | undefined): Promise<Buffer> => {
    this.inputs.push(input);
    return new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
  };
  release = (): void => {
    this.released++;
  };
  answer(text: string): void {
    this.#settle?.resolve(Buffer.from(text));
  }
  refuse(reason: string): void {
    this.#settle?.reject(new NegotiateFailed(reason));
  }
}

class Timers {
  readonly running = new Map<() => void, number>();
  readonly start: StartTimer = (ms, act) => {
    this.running.set(act, ms);
    return () => this.running.delete(act);
  };
  runOut(): void {
    for (const act of [...this.running.keys()]) act();
    this.running.clear();
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp(): {
  contexts: SlowContext[];
  hosts: string[];
  timers: Timers;
  negotiate: ReturnType<typeof negotiateWith>;
} {
  const [contexts, hosts, timers] = [[] as SlowContext[], [] as string[], new Timers()];
  const open = (host: string): SecurityContext => {
    hosts.push(host);
    contexts.push(new SlowContext());
    return contexts.at(-1)!;
  };
  return { contexts, hosts, timers, negotiate: negotiateWith(open, timers.start) };
}

describe('a Negotiate handshake', () => {
  it('passes tokens on in base64 and frees its context once', async () => {
    const { contexts, hosts, timers, negotiate } = setUp();
    const handshake = negotiate('proxy.example');
    expect(contexts).toEqual([]);
    const first = handshake.step();
    contexts[0]!.answer('one');
    expect(await first).toBe(base64('one'));
    const second = handshake.step(base64('from proxy'));
    contexts[0]!.answer('two');
    expect(await second).toBe(base64('two'));
    expect(contexts[0]!.inputs).toEqual([undefined, Buffer.from('from proxy')]);
    expect(hosts).toEqual(['proxy.example']);
    handshake.close();
    handshake.close();
    expect([contexts[0]!.released, timers.running.size]).toEqual([1, 0]);
    await expect(handshake.step()).rejects.toThrow(NegotiateFailed);
  });

  it('opens nothing when it is closed before its first step', () => {
    const { contexts, negotiate } = setUp();
    negotiate('proxy.example').close();
    expect(contexts).toEqual([]);
  });

  it('gives up on a step after 20 s and frees its context only when that step has ended', async () => {
    const { contexts, timers, negotiate } = setUp();
    const handshake = negotiate('proxy.example');
    const step = handshake.step();
    expect([...timers.running.values()]).toEqual([STEP_DEADLINE_MS]);
    expect(STEP_DEADLINE_MS).toBe(20_000);
    timers.runOut();
    await expect(step).rejects.toThrow('no answer');
    handshake.close();
    expect(contexts[0]!.released).toBe(0);
    contexts[0]!.answer('late');
    await settle();
    expect(contexts[0]!.released).toBe(1);
  });

  it('frees its context after a step that was under way when it was closed', async () => {
    const { contexts, negotiate } = setUp();
    const handshake = negotiate('proxy.example');
    const step = handshake.step();
    handshake.close();
    expect(contexts[0]!.released).toBe(0);
    contexts[0]!.refuse('no ticket');
    await expect(step).rejects.toThrow('no ticket');
    await settle();
    expect(contexts[0]!.released).toBe(1);
  });

  it('runs two steps at once, so that threads are left for files and names, and the others in their order', async () => {
    const { contexts, timers, negotiate } = setUp();
    const steps = Array.from({ length: 4 }, () => negotiate('proxy.example').step());
    const begun = (): number[] => contexts.map(({ inputs }) => inputs.length);
    expect(begun()).toEqual([1, 1, 0, 0]);
    contexts[1]!.answer('second');
    expect(await steps[1]).toBe(base64('second'));
    expect(begun()).toEqual([1, 1, 1, 0]);
    contexts[2]!.refuse('no ticket');
    await expect(steps[2]).rejects.toThrow('no ticket');
    expect(begun()).toEqual([1, 1, 1, 1]);
    contexts[0]!.answer('first');
    contexts[3]!.answer('fourth');
    expect(await Promise.all([steps[0], steps[3]])).toEqual([base64('first'), base64('fourth')]);
    expect(timers.running.size).toBe(0);
  });

  it('begins no step whose time was over before its turn came, and frees its context', async () => {
    const { contexts, timers, negotiate } = setUp();
    const stuck = Array.from({ length: 2 }, () => negotiate('proxy.example').step());
    const waiting = negotiate('proxy.example');
    const step = waiting.step();
    timers.runOut();
    for (const late of [...stuck, step]) await expect(late).rejects.toThrow('no answer');
    waiting.close();
    contexts[0]!.answer('late');
    await settle();
    expect([contexts[2]!.inputs.length, contexts[2]!.released]).toEqual([0, 1]);
    const next = negotiate('proxy.example').step();
    contexts[3]!.answer('token');
    expect(await next).toBe(base64('token'));
  });

  it('begins no step of a handshake that was closed before its turn came', async () => {
    const { contexts, negotiate } = setUp();
    const running = Array.from({ length: 2 }, () => negotiate('proxy.example').step());
    const waiting = negotiate('proxy.example');
    const step = waiting.step();
    waiting.close();
    contexts[0]!.answer('one');
    await expect(step).rejects.toThrow('is over');
    expect([contexts[2]!.inputs.length, contexts[2]!.released]).toEqual([0, 1]);
    contexts[1]!.answer('two');
    expect(await Promise.all(running)).toEqual([base64('one'), base64('two')]);
  });

  it('takes no more threads when two steps are stuck, and goes on when one comes back', async () => {
    const { contexts, timers, negotiate } = setUp();
    const stuck = Array.from({ length: 2 }, () => negotiate('proxy.example').step());
    timers.runOut();
    for (const step of stuck) await expect(step).rejects.toThrow('no answer');
    await expect(negotiate('proxy.example').step()).rejects.toThrow('2 earlier requests');
    expect(contexts).toHaveLength(2);
    contexts[1]!.refuse('at last');
    await settle();
    const next = negotiate('proxy.example').step();
    contexts[2]!.answer('token');
    expect(await next).toBe(base64('token'));
  });

  it.each(['not base64!', 'A'.repeat(100_000), 'AAA'])(
    'hands no nonsense from the proxy to the library: %.20s',
    async (token) => {
      const { contexts, negotiate } = setUp();
      const handshake = negotiate('proxy.example');
      const first = handshake.step();
      contexts[0]!.answer('one');
      await first;
      await expect(handshake.step(token)).rejects.toThrow('not base64');
      expect(contexts[0]!.inputs).toHaveLength(1);
    },
  );

  it('does not play ping-pong for ever', async () => {
    const { contexts, negotiate } = setUp();
    const handshake = negotiate('proxy.example');
    for (let leg = 0; leg < 8; leg++) {
      const step = handshake.step(leg === 0 ? undefined : base64('more'));
      contexts[0]!.answer('token');
      await step;
    }
    await expect(handshake.step(base64('more'))).rejects.toThrow('more than 8');
  });

  it('fails rather than send an empty token', async () => {
    const { contexts, negotiate } = setUp();
    const step = negotiate('proxy.example').step();
    contexts[0]!.answer('');
    await expect(step).rejects.toThrow('after the last one');
  });

  it('runs one step at a time', async () => {
    const { contexts, negotiate } = setUp();
    const handshake = negotiate('proxy.example');
    const first = handshake.step();
    await expect(handshake.step()).rejects.toThrow('has not ended');
    contexts[0]!.answer('one');
    expect(await first).toBe(base64('one'));
  });

  it.each(['', 'a@b', 'a/b', 'a b', 'a\0b', 'a'.repeat(254)])(
    'asks for no ticket for a proxy named %j',
    async (host) => {
      const { contexts, negotiate } = setUp();
      await expect(negotiate(host).step()).rejects.toThrow(NegotiateFailed);
      expect(contexts).toEqual([]);
    },
  );
});
