import type { Paths } from '../host/paths.ts';
import { definitionOf, SETTING_NAMES, settingText, type SettingName } from '../host/setting-definitions.ts';
import {
  givenFor,
  parseSettingsFile,
  resolveSettings,
  settingsFromEnvironment,
  valueKey,
  type SettingProblem,
} from '../host/settings.ts';

/** A setting as it is in force; no value where it is not set, or not valid and without a default. */
export interface EffectiveSetting {
  readonly value: string | null;
  /** `agent.conf` with the line's number, the name of a variable, or why there is none of these. */
  readonly source: string;
}

/** What `wayfarerctl config show --json` prints. */
export interface EffectiveSettings {
  readonly file: string;
  readonly settings: Readonly<Record<string, EffectiveSetting>>;
  readonly missing: readonly SettingName[];
  readonly problems: readonly SettingProblem[];
}

/** The settings that a service with this file and this environment has, and nothing on its command line. */
export function effectiveSettings(
  paths: Pick<Paths, 'settingsFile'>,
  text: string,
  environment: NodeJS.ProcessEnv,
): EffectiveSettings {
  const file = parseSettingsFile(text, paths.settingsFile);
  const sources = [settingsFromEnvironment(environment), file.settings];
  const resolved = resolveSettings(sources, file.problems);
  const entry = (name: SettingName): [string, EffectiveSetting] => {
    const value = resolved[valueKey(name)];
    const wrong = resolved.problems.some((problem) => problem.setting === name);
    const given = wrong ? undefined : givenFor(name, sources);
    const source = given?.source ?? withoutValue(name, wrong);
    return [name, { value: value === undefined ? null : settingText(value), source }];
  };
  return {
    file: paths.settingsFile,
    settings: Object.fromEntries(SETTING_NAMES.map(entry)),
    missing: resolved.missing,
    problems: resolved.problems,
  };
}

function withoutValue(name: SettingName, wrong: boolean): string {
  if (definitionOf(name).default === undefined) return wrong ? 'not valid' : 'not set';
  return wrong ? 'default, as the given value is not valid' : 'default';
}
