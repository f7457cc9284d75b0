/** A source that fails again and again is reported at most this often, ms. */
const REPORT_AGAIN_MS = 3_600_000;

/** Keeps in mind which sources tell nothing at the moment, and says so once. */
export class SourceHealth {
  readonly #monotonic: () => number;
  readonly #down = new Set<string>();
  readonly #reportedAt = new Map<string, number>();
  #unsaid: string[] = [];
  #report: ((reason: string) => void) | undefined;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Reports from now on, first what nobody has heard yet. */
  listen(report: (reason: string) => void): void {
    this.#report = report;
    for (const reason of this.#unsaid.splice(0)) report(reason);
  }

  /** A source that has yet to say that it tells something. */
  expect(name: string): void {
    this.#down.add(name);
  }

  /** `name` tells nothing, for `reason`; `instead` says what is done meanwhile. */
  down(name: string, reason: string, instead: string): void {
    this.#down.add(name);
    const now = this.#monotonic();
    if (now - (this.#reportedAt.get(name) ?? Number.NEGATIVE_INFINITY) < REPORT_AGAIN_MS) return;
    this.#reportedAt.set(name, now);
    const line = `${name}: ${reason}; ${instead}`;
    if (this.#report === undefined) this.#unsaid.push(line);
    else this.#report(line);
  }

  up(name: string): void {
    this.#down.delete(name);
  }

  isDown(name: string): boolean {
    return this.#down.has(name);
  }
}
