import type { AgentEvent } from '../../shared/control.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { toInstant, type Clock } from '../clock.ts';
import type { NewEvent } from './context.ts';

/** Who follows the agent's status and events. */
export interface Watcher {
  readonly status: (status: AgentStatus) => void;
  readonly event: (event: AgentEvent) => void;
}

/** How often watchers get a new status at most, ms. */
const STATUS_THROTTLE_MS = 100;

/** Hands events on at once and the status at most ten times a second, and builds it only when somebody looks. */
export class Publisher {
  readonly #clock: Clock;
  readonly #status: () => AgentStatus;
  readonly #watchers = new Set<Watcher>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, status: () => AgentStatus) {
    this.#clock = clock;
    this.#status = status;
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  emit(event: NewEvent): void {
    const stamped = { ...event, at: toInstant(this.#clock.now()) };
    for (const watcher of this.#watchers) watcher.event(stamped);
  }

  /** The status may have changed. */
  changed(): void {
    if (this.#watchers.size === 0 || this.#cancel !== undefined) return;
    this.#cancel = this.#clock.at(this.#clock.now() + STATUS_THROTTLE_MS, () => {
      this.#cancel = undefined;
      const status = this.#status();
      for (const watcher of this.#watchers) watcher.status(status);
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#watchers.clear();
  }
}
