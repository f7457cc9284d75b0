import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/store/database.ts';
import { eventStore } from '../../src/platform/store/events.ts';
import { arrivals, faultsOf, keepArrivals, NUMBERED, NumberNotes } from '../support/numbers.ts';

const NONE = { lost: [], doubled: [], late: [], invented: [] };
const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n);

describe('the numbers that a run of kills is judged by', () => {
  it.each([
    ['all that was taken arrived', { arrived: [0, 1, 2] }, NONE],
    ['a kill came before the queue answered, and the record stands', { acknowledged: [0, 2] }, NONE],
    ['a kill came before the queue had it', { acknowledged: [0, 2], arrived: [0, 2] }, NONE],
    ['one was lost in the middle', { arrived: [0, 2] }, { ...NONE, lost: [1] }],
    ['the last one was lost', { arrived: [0, 1] }, { ...NONE, lost: [2] }],
    ['one came twice', { arrived: [0, 1, 1, 2] }, { ...NONE, doubled: [1] }],
    ['one came again later', { arrived: [0, 1, 2, 0] }, { ...NONE, doubled: [0] }],
    ['two changed places', { arrived: [0, 2, 1] }, { ...NONE, late: [1] }],
    ['one came that nobody sent', { arrived: [0, 1, 2, 7] }, { ...NONE, invented: [7] }],
  ])('say so when %s', (_, change, faults) => {
    const sent = { begun: upTo(3), acknowledged: upTo(3), arrived: upTo(3) };
    expect(faultsOf({ ...sent, ...change })).toEqual(faults);
  });
});

describe('the notes of numbers', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'wf-numbers-'))));
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('go on behind the last number that a killed producer had begun', () => {
    const killed = new NumberNotes(dir);
    expect(killed.next()).toBe(0);
    killed.begin(0);
    killed.acknowledge(0);
    killed.begin(1);
    const next = new NumberNotes(dir);
    expect(next.next()).toBe(2);
    expect(next.read()).toEqual({ begun: [0, 1], acknowledged: [0] });
  });

  it('end the producer of every later process', () => {
    expect(new NumberNotes(dir).ended).toBe(false);
    new NumberNotes(dir).end();
    expect(new NumberNotes(dir).ended).toBe(true);
  });

  it('have the platform write down what it stores, as often as it does, and keep its own list free of it', () => {
    const db = openDatabase(join(dir, 'platform.db'));
    const hostId = '6f1f5d7e-0000-4000-8000-000000000001';
    db.pragma('foreign_keys = OFF');
    keepArrivals(dir);
    const events = eventStore(db);
    for (const number of [4, 5, 5]) events.addActivity(hostId, 'Agent Downloaded', 1, `${NUMBERED}${number}`);
    events.addActivity(hostId, 'Scan Complete', 2, 'Inventory seq 3');
    expect(arrivals(dir)).toEqual([4, 5, 5]);
    expect(events.activities(hostId).map(({ detail }) => detail)).toEqual(['Inventory seq 3']);
    db.close();
  });
});
