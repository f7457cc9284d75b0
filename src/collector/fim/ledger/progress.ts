import type { FromLedger } from './messages.ts';

/** Reports are no closer together than this, ms. */
const REPORT_MS = 1_000;

type Report = Extract<FromLedger, { kind: 'baseline' | 'rules' | 'stopped' }>;

/** Says how things stand: what changed since the last time, and not more often than anybody can follow. */
export class Progress {
  readonly #post: (message: FromLedger) => void;
  readonly #elapsed: () => number;
  readonly #last = new Map<Report['kind'], { readonly text: string; readonly at: number }>();

  /** `elapsed` is ms of a clock that nobody sets. */
  constructor(post: (message: FromLedger) => void, elapsed: () => number) {
    this.#post = post;
    this.#elapsed = elapsed;
  }

  /** Posts a report that differs from the last. Returns in how many ms to come again where it is too early, else infinity. */
  tell(report: Report): number {
    const text = JSON.stringify(report);
    const last = this.#last.get(report.kind);
    if (last?.text === text) return Infinity;
    const wait = report.kind === 'baseline' && last !== undefined ? last.at + REPORT_MS - this.#elapsed() : 0;
    if (wait > 0) return wait;
    this.#last.set(report.kind, { text, at: this.#elapsed() });
    this.#post(report);
    return Infinity;
  }
}

/** Passes on so many lines and then says that there are more. */
export function limitedLog(most: number, log: (message: string) => void): (message: string) => void {
  let lines = 0;
  return (message) => {
    lines += 1;
    if (lines <= most) log(message);
    if (lines === most) log('more lines of this kind are left out until the ledger is opened again');
  };
}
