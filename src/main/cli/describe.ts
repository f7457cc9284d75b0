import type { Argument, Command, Option } from 'commander';

/** An option of a command: `--lines`, `-n`, what its value is called (empty for a switch), values that it may have. */
export interface OptionDescription {
  readonly long: string;
  readonly short: string;
  readonly value: string;
  readonly choices: readonly string[];
  readonly text: string;
}

export interface ArgumentDescription {
  /** As a usage line has it: `<type>`, `[file]`, `<words...>`. */
  readonly usage: string;
  readonly choices: readonly string[];
  readonly text: string;
}

/** A command as help, completions and the man page tell of it; `path` is empty for the program itself. */
export interface CommandDescription {
  readonly path: readonly string[];
  readonly text: string;
  readonly options: readonly OptionDescription[];
  readonly arguments: readonly ArgumentDescription[];
  readonly commands: readonly CommandDescription[];
  /** What stands below the help: examples and exit codes. */
  readonly after: string;
}

/** Describes a program and all commands below it. */
export function describeProgram(command: Command, path: readonly string[] = []): CommandDescription {
  return {
    path,
    text: command.description(),
    options: [...command.options.map(optionOf), HELP],
    arguments: command.registeredArguments.map(argumentOf),
    commands: command.commands.map((one) => describeProgram(one, [...path, one.name()])),
    after: textAfter(command),
  };
}

/** The description and every one below it, each command after its parent. */
export function allCommands(description: CommandDescription): CommandDescription[] {
  return [description, ...description.commands.flatMap(allCommands)];
}

const HELP: OptionDescription = {
  long: '--help',
  short: '-h',
  value: '',
  choices: [],
  text: 'what there is',
};

function optionOf({ long, short, flags, description, argChoices }: Option): OptionDescription {
  return {
    long: long ?? '',
    short: short ?? '',
    value: /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? '',
    choices: argChoices ?? [],
    text: description,
  };
}

function argumentOf(argument: Argument): ArgumentDescription {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return {
    usage: argument.required ? `<${name}>` : `[${name}]`,
    choices: argument.argChoices ?? [],
    text: argument.description,
  };
}

/** Commander keeps texts below the help as listeners: they are had by printing the help into a string. */
function textAfter(command: Command): string {
  let printed = '';
  const before = command.configureOutput();
  command.configureOutput({
    writeOut: (text) => {
      printed += text;
    },
  });
  command.outputHelp();
  command.configureOutput(before);
  return printed.slice(command.helpInformation().length).trim();
}
