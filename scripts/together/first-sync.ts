import type { WatchLine } from '../../src/shared/control.ts';
import type { AgentStatus } from '../../src/shared/status.ts';

/**
 * Notices the first complete sync of this run: every active type that has a manifest was uploaded since the start, and
 * a comparison of roots after that found both sides equal.
 */
export class FirstSync {
  readonly #startedAt: number;
  #status: AgentStatus | undefined;
  #compared = 0;
  #done = false;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** Takes a line of the control channel; true exactly once, when the sync is complete. */
  take(line: WatchLine): boolean {
    if (line.kind !== 'event') this.#status = line.status;
    else if (line.event.name === 'in sync') this.#compared = Date.parse(line.event.at);
    if (this.#done || !this.#complete()) return false;
    this.#done = true;
    return true;
  }

  #complete(): boolean {
    if (
      this.#status === undefined ||
      this.#compared < this.#startedAt ||
      this.#status.pendingUpload !== null
    ) {
      return false;
    }
    const types = Object.values(this.#status.types).filter((type) => type.manifestVersion !== null);
    return types.length > 0 && types.every((type) => this.#uploadedBeforeComparison(type.uploadedAt));
  }

  #uploadedBeforeComparison(uploadedAt: string | null): boolean {
    const at = uploadedAt === null ? 0 : Date.parse(uploadedAt);
    return at >= this.#startedAt && at <= this.#compared;
  }
}
