import { beforeEach, describe, expect, it } from 'vitest';
import { SteppedTimers } from '../testing/timers.ts';
import { ProcessFeed, type FeedConnector, type FeedOptions } from './feed.ts';
import { FakeHost } from './testing/fake-host.ts';

const SHELL = '/usr/bin/dash';
const COPY = '/usr/bin/cp';
const MINUTES_3 = 180_000;

describe('the feed of processes', () => {
  let timers: SteppedTimers;
  let host: FakeHost;
  /** What the kernel answers to a request for its events: a reason, or a connector. */
  let answers: string[];
  let failure: string | undefined;
  let ready: () => number;
  let closed: number;
  let started: string[];
  let ended: number[];
  let tell: Parameters<NonNullable<FeedOptions['open']>>[0];

  beforeEach(() => {
    timers = new SteppedTimers();
    host = new FakeHost();
    host.runs(10, SHELL);
    answers = [];
    [failure, closed, started, ended] = [undefined, 0, [], []];
    ready = () => 0;
  });

  const connector = (): FeedConnector => ({
    fd: 5,
    drain: () => true,
    get failure() {
      return failure;
    },
    close: () => {
      closed += 1;
    },
  });

  function begun(more: Partial<FeedOptions> = {}): ProcessFeed {
    const feed = new ProcessFeed({
      table: host.table,
      startTimer: timers.start,
      watch: {
        add: (waits) => {
          ready = () => waits.ready(0);
          return () => undefined;
        },
      },
      open: (listener) => {
        tell = listener;
        const answer = answers.shift() ?? 'asked too often';
        return answer === 'events' ? connector() : answer;
      },
      listener: {
        started: ({ pid }, _at, how) => void started.push(`${pid} ${how ?? 'told'}`),
        ended: ({ pid }) => void ended.push(pid),
        userChanged: () => undefined,
        executed: () => undefined,
        lost: () => undefined,
      },
      ...more,
    });
    feed.start();
    return feed;
  }
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 1_000) {
      host.now += 1_000;
      timers.pass(1_000);
    }
  };

  it('R201 polls where the kernel tells nothing, and listens once it does', () => {
    answers = ['ENOBUFS', 'EPERM', 'events'];
    const feed = begun();
    expect([feed.pollingBecause, host.table.polled]).toEqual(['ENOBUFS', true]);
    host.runs(11, COPY);
    pass(2_000);
    expect(started).toEqual(['11 found by polling']);
    pass(MINUTES_3);
    expect(feed.pollingBecause).toBe('EPERM');
    pass(MINUTES_3 - 3_000);
    // What happens between the last poll and the first event is not missed.
    host.proc.delete(11);
    host.runs(12, COPY);
    pass(1_000);
    expect([feed.pollingBecause, host.table.polled]).toEqual([undefined, false]);
    expect(ended).toEqual([11]);
    expect(started.map((line) => line.slice(0, 2))).toEqual(['11', '12']);
    tell.message({ kind: 'fork', cpu: 0, sequence: 1, at: host.now, pid: 13, thread: 13, parent: 10 });
    expect(host.table.known(13)?.pid).toBe(13);
    // Nothing polls any more, and nothing is asked for again.
    host.runs(14, COPY);
    pass(MINUTES_3 * 3);
    expect(started).toHaveLength(2);
    feed.stop();
    expect(closed).toBe(1);
  });

  it('R201 polls after its socket failed, and listens again', () => {
    answers = ['events', 'events'];
    const feed = begun();
    pass(10_000);
    expect(feed.pollingBecause).toBeUndefined();
    failure = 'recvfrom: EBADF';
    ready();
    expect([feed.pollingBecause, host.table.polled, closed]).toEqual(['recvfrom: EBADF', true, 1]);
    host.runs(11, COPY);
    pass(2_000);
    expect(started).toEqual(['11 found by polling']);
    failure = undefined;
    pass(MINUTES_3);
    expect([feed.pollingBecause, host.table.polled]).toEqual([undefined, false]);
    ready();
    expect(feed.pollingBecause).toBeUndefined();
    feed.stop();
    expect(closed).toBe(2);
  });

  it('does not ask again where nobody could wait for the kernel, nor after it was stopped', () => {
    const polling = begun({ watch: undefined });
    pass(MINUTES_3 * 2);
    expect(polling.pollingBecause).toBe('no process events are listened to');
    polling.stop();
    answers = ['ENOBUFS', 'events'];
    const stopped = begun();
    stopped.stop();
    pass(MINUTES_3 * 2);
    expect(answers).toEqual(['events']);
  });
});
