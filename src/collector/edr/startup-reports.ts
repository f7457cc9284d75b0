import type { SensorProblem } from '../../shared/sensor.ts';
import type { EdrRule } from './rules.ts';
import { startupParts, type SideParts } from './side-records.ts';
import { StartupWatch, type StartupItem, type StartupOptions } from './startup.ts';

export interface StartupReportsOptions extends Omit<StartupOptions, 'added'> {
  readonly report: (parts: SideParts) => void;
}

/** Records of what starts programs later, while a rule asks for them. */
export class StartupReports {
  readonly #options: StartupReportsOptions;
  #rule: EdrRule<'startup_events'> | undefined;
  #watch: StartupWatch | undefined;

  constructor(options: StartupReportsOptions) {
    this.#options = options;
  }

  /** The rules in force, the severest first: that is the one that records name. */
  setRules([rule]: readonly EdrRule<'startup_events'>[]): void {
    this.#rule = rule;
    if (rule === undefined) this.stop();
    else this.#watch ??= this.#begin();
  }

  /** Why not all of it is seen; none where it is, or nobody asks. */
  problems(): { readonly code: SensorProblem; readonly text: string }[] {
    const { trouble } = this.#watch ?? {};
    if (trouble === undefined) return [];
    return [{ code: 'EDR_INCOMPLETE', text: `not all that starts programs is seen: ${trouble}` }];
  }

  stop(): void {
    void this.#watch?.close();
    this.#watch = undefined;
  }

  #begin(): StartupWatch {
    const watch = new StartupWatch({
      ...this.#options,
      added: (items) => {
        for (const item of items) this.#added(item);
      },
    });
    void watch.start();
    return watch;
  }

  #added(item: StartupItem): void {
    if (this.#rule !== undefined) this.#options.report(startupParts(item, this.#rule));
  }
}
