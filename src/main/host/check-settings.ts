import {
  definitionOf,
  SETTING_NAMES,
  settingText,
  type SettingDefinition,
  type SettingName,
} from './setting-definitions.ts';
import { settingLines, type SettingLine } from './setting-lines.ts';
import { tryParse } from './settings.ts';

/** What is wrong with one line of an `agent.conf`, and what to do about it. */
export interface LineProblem {
  readonly line: number;
  readonly setting: string;
  readonly reason: string;
  readonly nextStep: string;
}

/** What a look at an `agent.conf` found. */
export interface SettingsCheck {
  /** In the order of the lines. */
  readonly problems: readonly LineProblem[];
  /** Needed settings that the file does not give: the environment or an installer's flags may. */
  readonly missing: readonly SettingName[];
}

type Assignment = Extract<SettingLine, { kind: 'setting' }>;

/** Checks every line of an `agent.conf`, those included whose values a later line replaces. */
export function checkSettings(text: string): SettingsCheck {
  const lines = settingLines(text);
  const assignments = lines.filter((line) => line.kind === 'setting').filter(({ value }) => value !== '');
  const problems = lines.flatMap(problemsOfLine).concat(repeated(assignments));
  const given = new Set(assignments.map(({ name }) => name));
  return {
    problems: problems.sort((a, b) => a.line - b.line),
    missing: SETTING_NAMES.filter((name) => definitionOf(name).needed === true && !given.has(name)),
  };
}

function problemsOfLine(line: SettingLine): LineProblem[] {
  switch (line.kind) {
    case 'comment':
      return [];
    case 'setting':
      return line.value === '' ? [] : valueProblem(line);
    case 'unknown':
      return [
        {
          line: line.number,
          setting: line.word,
          reason: 'is not a setting, the line is ignored',
          nextStep: `use one of ${SETTING_NAMES.join(', ')}, or remove the line`,
        },
      ];
    case 'malformed':
      return [
        {
          line: line.number,
          setting: line.word,
          reason: 'is not a setting, the line is ignored',
          nextStep: 'write Name=value, or begin the line with # to make it a comment',
        },
      ];
  }
}

function valueProblem({ number, name, value }: Assignment): LineProblem[] {
  const definition = definitionOf(name);
  const { reason } = tryParse(definition.parse, value);
  if (reason === undefined) return [];
  return [{ line: number, setting: name, reason, nextStep: remedy(definition) }];
}

function remedy({ form, default: value }: SettingDefinition): string {
  const without = value === undefined ? '' : `, or remove the line: the default is ${settingText(value)}`;
  return `give a value of this form: ${form}${without}`;
}

/** One problem for each name that stands more than once, at its last line, which counts. */
function repeated(assignments: readonly Assignment[]): LineProblem[] {
  return SETTING_NAMES.flatMap((setting) => {
    const all = assignments.filter(({ name }) => name === setting);
    const last = all.at(-1);
    if (last === undefined || all.length < 2) return [];
    const before = all.slice(0, -1).map(({ number }) => String(number));
    const where = `${before.length === 1 ? 'line' : 'lines'} ${before.join(', ')}`;
    return [
      {
        line: last.number,
        setting,
        reason: `stands in ${where} as well; this line counts`,
        nextStep: `remove ${where}, or this one`,
      },
    ];
  });
}
