import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import { readSmallFile, UnsafeFile } from '../host/atomic-file.ts';
import { checkSettings, type SettingsCheck } from '../host/check-settings.ts';
import type { Paths } from '../host/paths.ts';
import { definitionOf, SETTING_NAMES, settingText } from '../host/setting-definitions.ts';
import { Answer } from './answer.ts';
import { effectiveSettings } from './effective-settings.ts';
import { columns } from './format-status.ts';
import { print, type JsonOption } from './print.ts';

/** Adds `wayfarerctl config …`: checks `agent.conf`, shows what is in force by it, prints one to begin with. */
export function addConfig(program: Command, paths: Paths): void {
  const config = program
    .command('config')
    .description('the settings of this host in agent.conf')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl config check             every line of this host's agent.conf that is wrong, and what to do
  wayfarerctl config check ./new.conf  the same for a file that is not in place yet
  wayfarerctl config show              the values in force, and where each comes from
  wayfarerctl config template          an agent.conf with every setting, its range and its default`,
    );
  const add = (name: string, description: string): Command =>
    config.command(name).description(description).option('--json', 'print one JSON object');

  add('check', 'what is wrong in agent.conf, line by line; exit code 1 if anything is')
    .argument('[file]', "another file than this host's")
    .action((file: string | undefined, options: JsonOption) => {
      check(file === undefined ? paths.settingsFile : resolve(file), options);
    });
  add('show', 'the values in force by agent.conf and environment, each with its source').action(
    (options: JsonOption) => {
      show(paths, options);
    },
  );
  add('template', 'a commented agent.conf with every setting').action((options: JsonOption) => {
    print(options, { settings: definitions() }, templateLines);
  });
}

function check(file: string, options: JsonOption): void {
  const text = textOf(file);
  if (text === undefined) throw new Answer(ExitCode.failed, `there is no ${file}`);
  const found = checkSettings(text);
  print(options, { file, ...found }, () => checkLines(file, found));
  if (found.problems.length > 0) process.exitCode = ExitCode.failed;
}

/** The text of a settings file. Throws `Answer` for one that the agent would not read either. */
function textOf(file: string): string | undefined {
  try {
    return readSmallFile(file);
  } catch (error) {
    if (error instanceof UnsafeFile) throw new Answer(ExitCode.failed, `not read: ${error.message}`);
    throw error;
  }
}

function checkLines(file: string, { problems, missing }: SettingsCheck): string[] {
  const lines = problems.flatMap(({ line, setting, reason, nextStep }) => [
    `${file}:${String(line)} ${setting}: ${reason}`,
    `  → ${nextStep}`,
  ]);
  return [
    ...(lines.length === 0 ? [`${file}: every line is right`] : lines),
    ...(missing.length === 0
      ? []
      : [`not set here, needed from the environment or the service's flags: ${missing.join(', ')}`]),
  ];
}

function show(paths: Paths, options: JsonOption): void {
  const found = effectiveSettings(paths, textOf(paths.settingsFile) ?? '', process.env);
  print(options, found, () => [
    ...columns([
      ['Setting', 'value', 'source'],
      ...Object.entries(found.settings).map(([name, { value, source }]) => [name, value ?? '-', source]),
    ]),
    ...found.problems.map(({ setting, source, reason }) => `problem: ${source} ${setting}: ${reason}`),
  ]);
}

function definitions(): object[] {
  return SETTING_NAMES.map((name) => {
    const { environment, form, comment, needed, default: value } = definitionOf(name);
    return { name, environment, form, comment, needed: needed === true, default: value ?? null };
  });
}

function templateLines(): string[] {
  const settings = SETTING_NAMES.flatMap((name) => {
    const { environment, form, comment, needed, default: value } = definitionOf(name);
    const fallback =
      value === undefined ? (needed === true ? 'needed' : 'no default') : `default ${settingText(value)}`;
    return [
      '',
      `# ${comment}`,
      `# ${form}; ${fallback}; also ${environment}`,
      `#${name}=${value === undefined ? '' : settingText(value)}`,
    ];
  });
  return [
    '# Settings of the Wayfarer agent: one Name=value a line; a line that begins with # is a comment.',
    '# "wayfarerctl config check" names what is wrong. A running agent follows changes by itself.',
    ...settings,
  ];
}
