import { definitionOf, SETTING_NAMES, type SETTINGS, type SettingName } from './setting-definitions.ts';
import { settingLines } from './setting-lines.ts';

/** A setting's text and where it came from: shown when it is wrong. */
export interface Given {
  readonly value: string;
  readonly source: string;
}
export type RawSettings = Partial<Record<SettingName, Given>>;

/** A setting that cannot be used. */
export interface SettingProblem {
  readonly setting: string;
  readonly source: string;
  readonly reason: string;
  /** The agent works without it: a line that is no setting, a setting whose default serves. */
  readonly harmless?: true;
  /** The command that mends it, where no value is wrong but the rights of the file are. */
  readonly remedy?: string;
}

type ValueOf<N extends SettingName> = ReturnType<(typeof SETTINGS)[N]['parse']>;
type WithDefault = {
  [N in SettingName]: (typeof SETTINGS)[N] extends { readonly default: unknown } ? N : never;
}[SettingName];

/** The values, each under its name with a small first letter (`customerId`); one without a default may be absent. */
export type SettingValues = {
  readonly [N in WithDefault as Uncapitalize<N>]: ValueOf<N>;
} & {
  readonly [N in Exclude<SettingName, WithDefault> as Uncapitalize<N>]?: ValueOf<N>;
};

/** What the agent needs to know before its first request. Absent ones that it needs stand in `missing`. */
export type Settings = SettingValues & {
  readonly missing: readonly SettingName[];
  readonly problems: readonly SettingProblem[];
};

/**
 * Reads `agent.conf`: one `Name=value` a line, `#` begins a comment line, names in any case. A line that can't be used
 * is named with its number and ignored; the rest applies. Of a name that stands twice the last value counts; a line
 * without one says nothing, as in a template that nobody filled in.
 */
export function parseSettingsFile(
  text: string,
  path: string,
): { settings: RawSettings; problems: SettingProblem[] } {
  const settings: RawSettings = {};
  const problems: SettingProblem[] = [];
  for (const line of settingLines(text)) {
    const source = `${path}:${String(line.number)}`;
    if (line.kind === 'setting') {
      if (line.value !== '') settings[line.name] = { value: line.value, source };
    } else if (line.kind !== 'comment') {
      const reason = 'is not a setting, the line is ignored';
      problems.push({ setting: line.word, source, reason, harmless: true });
    }
  }
  return { settings, problems };
}

/** The settings that environment variables give. */
export function settingsFromEnvironment(environment: NodeJS.ProcessEnv): RawSettings {
  const settings: RawSettings = {};
  for (const name of SETTING_NAMES) {
    const source = definitionOf(name).environment;
    const value = environment[source];
    if (value !== undefined && value !== '') settings[name] = { value, source };
  }
  return settings;
}

/** What is given for a setting: by the first source that has it. */
export function givenFor(name: SettingName, sources: readonly RawSettings[]): Given | undefined {
  return sources.map((source) => source[name]).find((candidate) => candidate !== undefined);
}

/**
 * Checks and merges settings; the first source that has a setting wins. A value that is not valid is a problem and
 * does not fall through to a later source: what an administrator wrote is never silently replaced.
 */
export function resolveSettings(
  sources: readonly RawSettings[],
  fileProblems: readonly SettingProblem[] = [],
): Settings {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  const missing: SettingName[] = [];
  for (const name of SETTING_NAMES) {
    const { parse, default: fallback, needed } = definitionOf(name);
    const given = givenFor(name, sources);
    const read = given === undefined ? undefined : tryParse(parse, given.value);
    const value = read?.value ?? fallback;
    if (value !== undefined) values[valueKey(name)] = value;
    if (given !== undefined && read?.reason !== undefined) {
      const problem = { setting: name, source: given.source, reason: read.reason };
      problems.push(fallback === undefined ? problem : { ...problem, harmless: true });
    }
    if (given === undefined && needed === true) missing.push(name);
  }
  return { ...(values as SettingValues), missing, problems: [...fileProblems, ...problems] };
}

/** Whether the agent can work with them: nothing it needs is missing, nothing is wrong that no default replaces. */
export function isUsable({ missing, problems }: Settings): boolean {
  return missing.length === 0 && problems.every((problem) => problem.harmless === true);
}

/** The property of `SettingValues` that holds a setting. */
export function valueKey<N extends SettingName>(name: N): Uncapitalize<N> {
  return `${name.slice(0, 1).toLowerCase()}${name.slice(1)}` as Uncapitalize<N>;
}

/** The value of a text, or the reason why it has none. */
export function tryParse(
  parse: (text: string) => unknown,
  text: string,
): { readonly value?: unknown; readonly reason?: string } {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}
