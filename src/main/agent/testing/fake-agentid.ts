import type { Configuration } from '../../agentid/configuration.ts';
import type { Report } from '../../agentid/report.ts';
import type { AgentIdEvents, StartAgentId } from '../agentid-process.ts';

/** Endpoint processes that a test holds in its hand: what they were given, what they report, when they end. */
export class FakeAgentId {
  readonly started: Configuration[] = [];
  /** Processes that run at this moment, by their number. */
  readonly alive = new Set<number>();
  /** What a started process reports by itself; `undefined` leaves it to the test. */
  report: ((configuration: Configuration) => Report) | undefined = ({ ports, bindAll }) => ({
    kind: 'listening',
    ports: bindAll ? [...ports] : ports.slice(0, 1),
    taken: [],
  });
  #events: AgentIdEvents[] = [];

  readonly start: StartAgentId = (configuration, events) => {
    const number = this.#events.push(events);
    this.started.push(configuration);
    this.alive.add(number);
    queueMicrotask(() => {
      if (this.report !== undefined && this.alive.has(number)) events.report(this.report(configuration));
    });
    return {
      pid: number,
      stop: () => {
        this.alive.delete(number);
        return Promise.resolve();
      },
    };
  };

  /** What the process of the given start, the last one unless told, reports. */
  say(report: Report, start = this.#events.length): void {
    this.#events[start - 1]?.report(report);
  }

  die(reason = 'SIGKILL', start = this.#events.length): void {
    this.alive.delete(start);
    this.#events[start - 1]?.ended(reason);
  }
}
