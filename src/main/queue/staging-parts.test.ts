import { describe, expect, it } from 'vitest';
import { DRIVERS, item, withStore } from './store.fixture.ts';

const TERMS = { collectedAt: 1_000, encoding: 'gzip', chunkBytes: 65_536 } as const;

describe.each(DRIVERS)('the parts of a collection over %s', (driver) => {
  it('drops what was added since the last one was kept, and nothing else', () =>
    withStore(driver, async ({ snapshots }) => {
      const staging = snapshots.begin('Inventory');
      staging.add([item('a', 1), item('b', 1)]);
      staging.keepPart();
      staging.add([item('b', 2), item('c', 2)]);
      staging.dropPart();
      expect([...staging.keys()]).toEqual([item('a', 1).key, item('b', 1).key]);
      staging.add([item('c', 3)]);
      staging.keepPart();
      staging.dropPart();
      expect(staging.counts()).toEqual({ deb: 3 });
      expect(await staging.seal(TERMS)).toMatchObject({ rows: 3, setCount: 3 });
    }));

  it('names the keys in their order, however many pages they take', () =>
    withStore(driver, ({ snapshots }) => {
      const staging = snapshots.begin('Inventory');
      const names = Array.from({ length: 200 }, (_, n) => String(n).padStart(3, '0'));
      staging.add(names.map((name) => item(name, 1)).reverse());
      expect([...staging.keys()]).toEqual(names.map((name) => item(name, 1).key));
      staging.abandon();
      expect(() => [...staging.keys()]).toThrow('has ended');
      expect(() => {
        staging.keepPart();
      }).toThrow('has ended');
    }));
});
