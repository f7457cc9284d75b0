import type { SettingProblem, Settings } from '../host/settings.ts';
import type { Context } from './context.ts';

/** Says what is wrong with the settings that were last read, and no longer what was: they may change at any time. */
export class SettingConditions {
  readonly #context: Pick<Context, 'conditions' | 'clock' | 'paths'>;
  #shown: readonly string[] = [];

  constructor(context: Pick<Context, 'conditions' | 'clock' | 'paths'>) {
    this.#context = context;
  }

  /** Takes what is missing and what is wrong in place of what it was told before. */
  note({ missing, problems }: Pick<Settings, 'missing' | 'problems'>): void {
    const { conditions, clock, paths } = this.#context;
    const now = clock.now();
    if (missing.length === 0) conditions.clear('NOT_CONFIGURED');
    else conditions.raise('NOT_CONFIGURED', now, { missing: missing.join(', '), file: paths.settingsFile });
    for (const problem of problems) {
      const { setting, source, reason } = problem;
      conditions.raise('CONFIG_INVALID', now, { setting, reason, file: source }, detailOf(problem));
    }
    const held = problems.map(detailOf);
    for (const gone of this.#shown) if (!held.includes(gone)) conditions.clear('CONFIG_INVALID', gone);
    this.#shown = held;
  }
}

/** Not the setting alone: a CA file that can't be read has a condition of its own under that. */
const detailOf = ({ setting, source }: SettingProblem): string => `${setting} ${source}`;
