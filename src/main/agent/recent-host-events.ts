import { EVENT_STREAMS, type EventStream } from '../../shared/host-events.ts';
import { RECENT_HOST_EVENTS } from '../../shared/control.ts';

/** Most characters that are kept of a stream, whatever its events say. */
const MAX_CHARS = 1024 * 1024;

/** Who follows the events of a stream; each is a sealed record as JSON. */
export type HostEventWatcher = (body: string) => void;

/** The newest events of each stream, for who looks at them on this host: bounded in number and size. */
export class RecentHostEvents {
  readonly #kept: Record<EventStream, { bodies: string[]; chars: number }> = {
    fim: { bodies: [], chars: 0 },
    edr: { bodies: [], chars: 0 },
  };
  readonly #watchers: Record<EventStream, Set<HostEventWatcher>> = { fim: new Set(), edr: new Set() };

  /** Takes events that are in the queue now. A watcher that throws is dropped. */
  add(stream: EventStream, bodies: readonly string[]): void {
    const kept = this.#kept[stream];
    for (const body of bodies) {
      kept.bodies.push(body);
      kept.chars += body.length;
      this.#tell(stream, body);
    }
    let gone = Math.max(0, kept.bodies.length - RECENT_HOST_EVENTS);
    const charsOf = (count: number): number =>
      kept.bodies.slice(0, count).reduce((sum, { length }) => sum + length, 0);
    let chars = kept.chars - charsOf(gone);
    for (; chars > MAX_CHARS; gone += 1) chars -= kept.bodies[gone]?.length ?? 0;
    kept.bodies.splice(0, gone);
    kept.chars = chars;
  }

  /** The newest events, the oldest of them first. */
  of(stream: EventStream): readonly string[] {
    return [...this.#kept[stream].bodies];
  }

  /** Calls back for every new event until what it returns is called. */
  watch(stream: EventStream, watcher: HostEventWatcher): () => void {
    this.#watchers[stream].add(watcher);
    return () => {
      this.#watchers[stream].delete(watcher);
    };
  }

  /** Forgets everything; who watches goes on. */
  clear(): void {
    for (const stream of EVENT_STREAMS) this.#kept[stream] = { bodies: [], chars: 0 };
  }

  #tell(stream: EventStream, body: string): void {
    for (const watcher of this.#watchers[stream]) {
      try {
        watcher(body);
      } catch {
        this.#watchers[stream].delete(watcher);
      }
    }
  }
}
