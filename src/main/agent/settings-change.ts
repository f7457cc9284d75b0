import { SETTING_NAMES, type SettingName } from '../host/setting-definitions.ts';
import { isUsable, valueKey, type SettingProblem, type Settings } from '../host/settings.ts';

/** What is to be done about settings that were read while others are in force. */
export type SettingsChange =
  /** They say something else, and can be worked with: they take the place of the others. */
  | { readonly take: Settings; readonly changed: readonly SettingName[] }
  /** The others stay in force. What is missing and wrong in these is to be said. */
  | { readonly keep: Pick<Settings, 'missing' | 'problems'> };

const STAYS = 'the settings before stay in force until this is mended';

/**
 * Judges settings that were read again. An agent that works is never stopped by them: settings that it could not work
 * with are not taken, whatever else they change. One that does not work takes whatever they say.
 */
export function judgeSettings(inForce: Settings, found: Settings, file: string): SettingsChange {
  const changed = SETTING_NAMES.filter((name) => inForce[valueKey(name)] !== found[valueKey(name)]);
  const works = isUsable(inForce);
  const wouldWork = isUsable(found);
  if (works && !wouldWork) return { keep: unusable(found, file) };
  return changed.length > 0 || works !== wouldWork ? { take: found, changed } : { keep: found };
}

/** What to say of a file that could not even be read. */
export function unreadable(file: string, error: unknown): SettingsChange {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    keep: {
      missing: [],
      problems: [{ setting: 'the file', source: file, reason: `can't be read (${reason}); ${STAYS}` }],
    },
  };
}

/** Nothing is missing to the agent itself: the condition for that would say that it can't register. */
function unusable({ missing, problems }: Settings, file: string): Pick<Settings, 'missing' | 'problems'> {
  const wrong = problems.map((problem) =>
    problem.harmless === true ? problem : { ...problem, reason: `${problem.reason}; ${STAYS}` },
  );
  const gone = missing.map((setting): SettingProblem => ({
    setting,
    source: file,
    reason: `is no longer set; ${STAYS}`,
  }));
  return { missing: [], problems: [...wrong, ...gone] };
}
