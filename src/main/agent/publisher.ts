import { RECENT_EVENTS, type AgentEvent } from '../../shared/control.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { toInstant, type Clock } from '../clock.ts';
import type { NewEvent } from './context.ts';

/** Who follows the agent's events, and its status where that is of interest. */
export interface Watcher {
  readonly status?: (status: AgentStatus) => void;
  readonly event: (event: AgentEvent) => void;
}

/** How often watchers get a new status at most, ms. */
const STATUS_THROTTLE_MS = 100;

/**
 * Hands events on at once and the status at most ten times a second, and builds it only when somebody follows it. A watcher
 * that throws is dropped: it must not disturb the core, nor other watchers.
 */
export class Publisher {
  readonly #clock: Clock;
  readonly #status: () => AgentStatus;
  readonly #onError: (error: unknown) => void;
  readonly #watchers = new Set<Watcher>();
  #recent: AgentEvent[] = [];
  #cancel: (() => void) | undefined;

  /** `onError` takes what a watcher or the building of the status threw. */
  constructor(clock: Clock, status: () => AgentStatus, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
    this.#status = status;
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /** The last events, the oldest first: bounded, for who comes later. */
  recent(): AgentEvent[] {
    return [...this.#recent];
  }

  emit(event: NewEvent): void {
    const stamped = { ...event, at: toInstant(this.#clock.now()) };
    this.#recent = [...this.#recent, stamped].slice(-RECENT_EVENTS);
    this.#tell((watcher) => {
      watcher.event(stamped);
    });
  }

  /** The status may have changed. */
  changed(): void {
    if (this.#cancel !== undefined || !this.#isFollowed()) return;
    this.#cancel = this.#clock.at(this.#clock.now() + STATUS_THROTTLE_MS, () => {
      this.#cancel = undefined;
      this.#hand();
    });
  }

  #isFollowed(): boolean {
    return [...this.#watchers].some((watcher) => watcher.status !== undefined);
  }

  #hand(): void {
    try {
      const status = this.#status();
      this.#tell((watcher) => {
        watcher.status?.(status);
      });
    } catch (error) {
      this.#onError(error);
    }
  }

  #tell(say: (watcher: Watcher) => void): void {
    for (const watcher of this.#watchers) {
      try {
        say(watcher);
      } catch (error) {
        this.#watchers.delete(watcher);
        this.#onError(error);
      }
    }
  }

  stop(): void {
    this.#cancel?.();
    this.#watchers.clear();
  }
}
