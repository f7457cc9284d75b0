import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AbortGate, Cancelled } from './abort-gate.ts';

describe('a wait that can be given up', () => {
  it('gives what it waits for, or its failure', async () => {
    const gate = new AbortGate(new AbortController().signal);
    expect(await gate.wait(Promise.resolve(1))).toBe(1);
    await expect(gate.wait(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('ends as soon as the signal fires, and at once after that', async () => {
    const controller = new AbortController();
    const gate = new AbortGate(controller.signal);
    const never = new Promise(() => undefined);
    const waiting = gate.wait(never);
    controller.abort();
    await expect(waiting).rejects.toThrow(Cancelled);
    await expect(gate.wait(never)).rejects.toThrow(Cancelled);
  });

  it('leaves no failure to nobody: what was not waited for may fail much later', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', hear);
    onTestFinished(() => void process.off('unhandledRejection', hear));
    const controller = new AbortController();
    controller.abort();
    let fail = (_reason: Error): void => undefined;
    const late = new Promise((_resolve, reject) => (fail = reject));
    await expect(new AbortGate(controller.signal).wait(late)).rejects.toThrow(Cancelled);
    fail(new Error('late'));
    await nextTurn();
    await nextTurn();
    expect(unhandled).toEqual([]);
  });
});
