import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../shared/status.ts';
import { Publisher } from './publisher.ts';
import { FakeClock } from './testing/fake-clock.ts';

const STATUS = { phase: 'idle' } as AgentStatus;

function publisherOf(clock: FakeClock, status: () => AgentStatus = () => STATUS) {
  const errors: unknown[] = [];
  const publisher = new Publisher(clock, status, (error) => errors.push(error));
  const seen: string[] = [];
  const watcher = {
    status: (given: AgentStatus): void => void seen.push(given.phase),
    event: (event: { name: string; at: string }): void => void seen.push(`${event.name} ${event.at}`),
  };
  return { publisher, errors, seen, watcher };
}

describe('what watchers get', () => {
  it('is the status at most ten times a second, and nothing before it may have changed', () => {
    const clock = new FakeClock();
    const { publisher, seen, watcher } = publisherOf(clock);
    publisher.watch(watcher);
    for (let n = 0; n < 5; n += 1) publisher.changed();
    clock.jumpTo(clock.now() + 99);
    expect(seen).toEqual([]);
    clock.jumpTo(clock.now() + 1);
    expect(seen).toEqual(['idle']);
    clock.jumpTo(clock.now() + 1000);
    publisher.changed();
    clock.jumpTo(clock.now() + 100);
    expect(seen).toEqual(['idle', 'idle']);
  });

  it('is every event at once with its time, until they leave', () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 2));
    const { publisher, seen, watcher } = publisherOf(clock);
    const leave = publisher.watch(watcher);
    publisher.emit({ name: 'checked in', commands: 0 });
    leave();
    publisher.emit({ name: 'checked in', commands: 0 });
    publisher.changed();
    expect(seen).toEqual(['checked in 2026-01-02T00:00:00.000Z']);
    expect(clock.nextAt).toBeUndefined();
  });

  it('builds no status for those who follow events alone', () => {
    const clock = new FakeClock();
    const { publisher, errors } = publisherOf(clock, () => {
      throw new Error('it was built');
    });
    const events: string[] = [];
    publisher.watch({ event: ({ name }) => events.push(name) });
    publisher.changed();
    expect(clock.nextAt).toBeUndefined();
    publisher.watch({ status: () => undefined, event: () => undefined });
    publisher.changed();
    publisher.emit({ name: 'checked in', commands: 0 });
    clock.jumpTo(clock.now() + 100);
    expect(events).toEqual(['checked in']);
    expect(errors).toHaveLength(1);
  });

  it('reaches the others where one of them throws, which is dropped', () => {
    const clock = new FakeClock();
    const { publisher, errors, seen, watcher } = publisherOf(clock);
    const fail = (): never => {
      throw new Error('gone');
    };
    publisher.watch({ status: fail, event: fail });
    publisher.watch(watcher);
    publisher.emit({ name: 'checked in', commands: 0 });
    publisher.emit({ name: 'checked in', commands: 0 });
    expect(seen).toHaveLength(2);
    expect(errors).toHaveLength(1);
  });

  it('does not end the agent where the status cannot be built', () => {
    const clock = new FakeClock();
    const { publisher, errors, watcher } = publisherOf(clock, () => {
      throw new Error('no database');
    });
    publisher.watch(watcher);
    publisher.changed();
    clock.jumpTo(clock.now() + 100);
    expect(errors).toEqual([new Error('no database')]);
  });

  it('is remembered, the last 200 events of it, for who comes later', () => {
    const { publisher } = publisherOf(new FakeClock());
    for (let n = 0; n < 250; n += 1) publisher.emit({ name: 'checked in', commands: n });
    const recent = publisher.recent().map((event) => (event.name === 'checked in' ? event.commands : -1));
    expect(recent).toEqual(Array.from({ length: 200 }, (_, n) => n + 50));
  });

  it('ends with the agent', () => {
    const clock = new FakeClock();
    const { publisher, seen, watcher } = publisherOf(clock);
    publisher.watch(watcher);
    publisher.changed();
    publisher.stop();
    expect(clock.nextAt).toBeUndefined();
    publisher.emit({ name: 'checked in', commands: 0 });
    expect(seen).toEqual([]);
  });
});
