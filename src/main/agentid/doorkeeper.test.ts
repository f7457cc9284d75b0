import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Doorkeeper } from './doorkeeper.ts';

const limits = { connections: 5, perAddress: 2, perSecond: 6, perSecondAndAddress: 3 };

describe('the doorkeeper', () => {
  it('lets one address have no more than its share at a time, and again once one has left', () => {
    const door = new Doorkeeper(limits);
    expect([door.admit('a', 0), door.admit('a', 0), door.admit('a', 0)]).toEqual([true, true, false]);
    expect(door.admit('b', 0)).toBe(true);
    door.leave('a');
    expect(door.admit('a', 0)).toBe(true);
  });

  it('lets all addresses together have no more than the whole', () => {
    const door = new Doorkeeper(limits);
    const admitted = ['a', 'b', 'c', 'd', 'e', 'f'].map((address) => door.admit(address, 0));
    expect(admitted).toEqual([true, true, true, true, true, false]);
    door.leave('c');
    expect(door.admit('f', 0)).toBe(true);
  });

  it('counts how many begin within a second, however short they are', () => {
    const door = new Doorkeeper(limits);
    const visit = (address: string, now: number): boolean => {
      const admitted = door.admit(address, now);
      if (admitted) door.leave(address);
      return admitted;
    };
    expect([0, 1, 2, 3].map((n) => visit('a', n))).toEqual([true, true, true, false]);
    expect(['b', 'c', 'd', 'e'].map((address) => visit(address, 999))).toEqual([true, true, true, false]);
    expect(visit('a', 1000)).toBe(true);
  });

  it('does not mind someone leaving who never came', () => {
    const door = new Doorkeeper({ ...limits, connections: 1 });
    door.leave('a');
    expect([door.admit('a', 0), door.admit('b', 0)]).toEqual([true, false]);
  });

  it('keeps every limit whatever comes and goes', () => {
    const step = fc.record({
      address: fc.constantFrom('a', 'b', 'c', 'd'),
      leaves: fc.boolean(),
      wait: fc.nat(400),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const door = new Doorkeeper(limits);
        const inside: string[] = [];
        const begun: { address: string; second: number }[] = [];
        let now = 0;
        for (const { address, leaves, wait } of steps) {
          now += wait;
          const second = Math.floor(now / 1000);
          const at = inside.indexOf(address);
          if (leaves && at >= 0) {
            inside.splice(at, 1);
            door.leave(address);
          } else if (door.admit(address, now)) {
            inside.push(address);
            begun.push({ address, second });
          }
          const lately = begun.filter((one) => one.second === second);
          expect(inside.length).toBeLessThanOrEqual(limits.connections);
          expect(inside.filter((one) => one === address).length).toBeLessThanOrEqual(limits.perAddress);
          expect(lately.length).toBeLessThanOrEqual(limits.perSecond);
          expect(lately.filter((one) => one.address === address).length).toBeLessThanOrEqual(
            limits.perSecondAndAddress,
          );
        }
      }),
    );
  });
});
