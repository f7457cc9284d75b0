import type { ConditionCode } from '../../shared/conditions.ts';
import type { SettingProblem, Settings } from '../host/settings.ts';
import type { Context } from './context.ts';

type Read = Pick<Settings, 'missing' | 'problems'>;

interface Shown {
  readonly code: ConditionCode;
  readonly detail: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Says what is wrong with the settings that were last read, and no longer what was: they may change at any time. */
export class SettingConditions {
  readonly #context: Pick<Context, 'conditions' | 'clock' | 'paths'>;
  #shown: readonly Shown[] = [];

  constructor(context: Pick<Context, 'conditions' | 'clock' | 'paths'>) {
    this.#context = context;
  }

  /** Takes what is missing and what is wrong in the settings in force, in place of what it was told before. */
  note(read: Read): void {
    const { settingsFile: file } = this.#context.paths;
    const missing: Shown[] =
      read.missing.length === 0
        ? []
        : [{ code: 'NOT_CONFIGURED', detail: '', values: { missing: read.missing.join(', '), file } }];
    this.#show([...missing, ...read.problems.map(shownAs)]);
  }

  /** Takes what kept changed settings from being used: those before are in force, so that it stops nothing. */
  refused({ missing, problems }: Read): void {
    const { settingsFile: file } = this.#context.paths;
    const reason = 'is missing; the value before stays in force';
    const gone = missing.map((setting) => ignored({ setting, source: file, reason }));
    this.#show([...gone, ...problems.map(ignored)]);
  }

  #show(found: readonly Shown[]): void {
    const { conditions, clock } = this.#context;
    for (const { code, detail, values } of found) conditions.raise(code, clock.now(), values, detail);
    const held = new Set(found.map(nameOf));
    for (const gone of this.#shown) if (!held.has(nameOf(gone))) conditions.clear(gone.code, gone.detail);
    this.#shown = found;
  }
}

const nameOf = ({ code, detail }: Shown): string => `${code} ${detail}`;

function shownAs(problem: SettingProblem): Shown {
  const { setting, source: file, reason, harmless, remedy } = problem;
  if (remedy !== undefined) return { code: 'SETTINGS_UNSAFE', detail: '', values: { file, reason, remedy } };
  if (harmless === true) return ignored(problem);
  return { code: 'CONFIG_INVALID', detail: detailOf(problem), values: { setting, reason, file } };
}

function ignored(problem: SettingProblem): Shown {
  const { setting, source: file, reason } = problem;
  return { code: 'CONFIG_IGNORED', detail: detailOf(problem), values: { setting, reason, file } };
}

/** Not the setting alone: a CA file that can't be read has a condition of its own under that. */
const detailOf = ({ setting, source }: SettingProblem): string => `${setting} ${source}`;
