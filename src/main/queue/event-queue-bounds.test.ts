import { describe, expect, it } from 'vitest';
import { RECORD_LIMITS, type EventQueue } from './event-queue.ts';
import { DRIVERS, withStore } from './store.fixture.ts';

const ALL = { maxRecords: 1_000, maxBytes: 10_000_000 };
const GOOD = { id: 'good', at: 1, body: '' };

describe.each(DRIVERS)('what the event queue takes over %s', (driver) => {
  const withQueue = (work: (queue: EventQueue) => void): Promise<void> =>
    withStore(driver, ({ events }) => {
      work(events);
    });

  it.each([
    ['an empty id', { id: '', at: 1, body: '' }, 'an id of 0 bytes'],
    ['a long id', { id: `x${'ä'.repeat(RECORD_LIMITS.id / 2)}`, at: 1, body: '' }, 'an id of 201 bytes'],
    ['a time that is no integer', { id: 'a', at: 0.5, body: '' }, 'not a time in milliseconds: 0.5'],
    [
      'a large body',
      { id: 'a', at: 1, body: 'x'.repeat(RECORD_LIMITS.body + 1) },
      'a record of 4194305 bytes',
    ],
  ])('refuses %s together with its whole group', (_, bad, reason) =>
    withQueue((queue) => {
      const enqueue = (): void => {
        queue.enqueue('fim', [GOOD, bad]);
      };
      expect(enqueue).toThrow(RangeError);
      expect(enqueue).toThrow(reason);
      expect(queue.stats()).toEqual({});
    }),
  );

  it('takes a record as large as the bounds allow', () =>
    withQueue((queue) => {
      const largest = {
        id: 'ä'.repeat(RECORD_LIMITS.id / 2),
        at: -1,
        body: 'x'.repeat(RECORD_LIMITS.body),
      };
      queue.enqueue('fim', [largest]);
      expect(queue.peek('fim', ALL)).toMatchObject([largest]);
    }));

  it.each([0, -1, 1.5, NaN, 2 ** 53])('refuses %d as a limit', (limit) =>
    withQueue((queue) => {
      const set = (): void => {
        queue.setLimit('fim', limit);
      };
      expect(set).toThrow(RangeError);
      expect(set).toThrow(`no limit: ${limit}`);
      expect(queue.stats()).toEqual({});
    }),
  );

  it.each(['', 'Fim', 'a b', 'x'.repeat(33)])('refuses %j as the name of a stream', (name) =>
    withQueue((queue) => {
      expect(() => {
        queue.enqueue(name, [GOOD]);
      }).toThrow(new RangeError(`not a stream name: ${name}`));
      expect(() => {
        queue.setLimit(name, 1_000);
      }).toThrow(RangeError);
    }),
  );
});
