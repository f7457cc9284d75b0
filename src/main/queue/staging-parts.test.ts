import { describe, expect, it } from 'vitest';
import { DRIVERS, item, openTest, withDir, withStore } from './store.fixture.ts';

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

  it('that were noted are there after a restart, those after them are not', () =>
    withDir(async (dir) => {
      const { store } = await openTest(dir, driver);
      const first = store.snapshots.begin('Inventory');
      first.add([item('a', 1)]);
      first.keepPart({ tasks: ['one'] });
      first.add([item('b', 1)]);
      first.keepPart({ tasks: ['one', 'two'] });
      first.add([item('c', 1)]);
      first.keepPart();
      first.add([item('d', 1)]);
      expect(store.snapshots.interrupted()).toBeUndefined(); // it runs
      store.close();

      const again = (await openTest(dir, driver)).store;
      expect(again.snapshots.interrupted()).toMatchObject({
        type: 'Inventory',
        noted: { tasks: ['one', 'two'] },
      });
      expect(() => again.snapshots.resume('Vulnerability')).toThrow('no collection of Vulnerability');
      const second = again.snapshots.resume('Inventory');
      expect([...second.keys()]).toEqual([item('a', 1).key, item('b', 1).key]);
      expect(() => again.snapshots.resume('Inventory')).toThrow('is running');
      second.add([item('c', 2)]);
      second.dropPart();
      second.add([item('b', 3), item('d', 2)]);
      expect(await second.seal(TERMS)).toMatchObject({ rows: 3, setCount: 3 });
      expect(again.snapshots.interrupted()).toBeUndefined();
      again.close();
    }));

  it('that were noted go when another collection begins, when theirs is given up, and with their type', () =>
    withDir(async (dir) => {
      const interrupt = async () => {
        const { store } = await openTest(dir, driver);
        const staging = store.snapshots.begin('Inventory');
        staging.add([item('a', 1)]);
        staging.keepPart({});
        store.close();
        return (await openTest(dir, driver)).store;
      };
      const begun = await interrupt();
      const other = begun.snapshots.begin('Vulnerability');
      expect([...other.keys()]).toEqual([]);
      other.abandon();
      expect(begun.snapshots.interrupted()).toBeUndefined();
      begun.close();

      const givenUp = await interrupt();
      givenUp.snapshots.resume('Inventory').abandon();
      expect(givenUp.snapshots.interrupted()).toBeUndefined();
      givenUp.close();

      const scorched = await interrupt();
      scorched.snapshots.scorch('Vulnerability');
      expect(scorched.snapshots.interrupted()).toBeDefined();
      scorched.snapshots.scorch('Inventory');
      expect(scorched.snapshots.interrupted()).toBeUndefined();
      scorched.close();
    }));

  it('that nobody noted go with the agent', () =>
    withDir(async (dir) => {
      const { store } = await openTest(dir, driver);
      store.snapshots.begin('Inventory').add([item('a', 1)]);
      store.close();
      const again = (await openTest(dir, driver)).store;
      expect(again.snapshots.interrupted()).toBeUndefined();
      expect([...again.snapshots.begin('Inventory').keys()]).toEqual([]);
      again.close();
    }));
});
