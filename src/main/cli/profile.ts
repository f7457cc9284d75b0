import type { Command } from 'commander';
import type { ProfileReply, ShownParameter } from '../../shared/control.ts';
import { ControlClient } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { answerOf } from './answer.ts';
import { columns } from './format-status.ts';
import { print, type JsonOption } from './print.ts';

/** Adds `wayfarerctl profile`: the configuration profile in force, parameter by parameter. */
export function addProfile(program: Command, paths: Paths): void {
  program
    .command('profile')
    .description('the configuration profile in force: every parameter with unit, range and default')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl profile         "*" marks what differs from its default, "!" what the profile had out of its range
  wayfarerctl profile --json  the same for a program`,
    )
    .action(async (options: JsonOption) => {
      const profile = await new ControlClient(paths.readEndpoint).profile().catch((error: unknown) => {
        throw answerOf(error, paths);
      });
      print(options, profile, () => profileLines(profile));
    });
}

/** The profile as people read it in a terminal. */
export function profileLines({ name, version, preset, description, parameters }: ProfileReply): string[] {
  return [
    `Profile "${name}", version ${String(version)}, preset ${preset}`,
    ...(description === '' ? [] : [description]),
    '',
    ...columns([['', 'Parameter', 'value', 'range', 'default'], ...parameters.map(parameterRow)]),
  ];
}

function parameterRow({
  name,
  value,
  unit,
  range,
  default: standard,
  clampedFrom,
}: ShownParameter): string[] {
  const clamped = clampedFrom === null ? '' : ` (the profile says ${String(clampedFrom)})`;
  return [
    clampedFrom === null ? (value === standard ? '' : '*') : '!',
    name,
    `${text(value)}${unit === null ? '' : ` ${unit}`}${clamped}`,
    range === null ? '-' : `${String(range.min)}–${String(range.max)}`,
    text(standard),
  ];
}

const text = (value: ShownParameter['value']): string =>
  typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
