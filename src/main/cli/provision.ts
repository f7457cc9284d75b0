import { InvalidArgumentError, type Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import { ControlClient } from '../control/client.ts';
import { readSmallFile } from '../host/atomic-file.ts';
import { writeSettings, type SettingChanges } from '../host/change-settings.ts';
import type { Paths } from '../host/paths.ts';
import { definitionOf, settingText, type SettingName } from '../host/setting-definitions.ts';
import { parseSettingsFile, resolveSettings, settingsFromEnvironment, tryParse } from '../host/settings.ts';
import { Trust } from '../uplink/trust.ts';
import { Answer, answerOf } from './answer.ts';
import { print, type JsonOption } from './print.ts';
import { untilRegistered } from './until-registered.ts';

const OPTIONS = [
  ['--customer-id <uuid>', 'customerId', 'CustomerId'],
  ['--activation-id <uuid>', 'activationId', 'ActivationId'],
  ['--web-service-uri <url>', 'webServiceUri', 'WebServiceUri'],
  ['--platform-key <key>', 'platformKey', 'PlatformKey'],
  ['--ca-file <path>', 'caFile', 'CaFile'],
] as const satisfies readonly (readonly [string, string, SettingName])[];

type Options = JsonOption & { readonly wait?: number | true } & Readonly<
    Partial<Record<(typeof OPTIONS)[number][1], string>>
  >;

/** How long `--wait` waits without a number, and at most, seconds. */
const WAIT_SEC = { default: 120, max: 86_400 } as const;

/** Adds `wayfarerctl provision`: sets what the agent needs to register, or has it try now. */
export function addProvision(program: Command, paths: Paths): void {
  const command = program
    .command('provision')
    .description('write what is needed to register into agent.conf; without it, have the agent try now')
    .option('--wait [seconds]', 'wait until the host is registered, 120 s without a number', waitSeconds)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl provision --customer-id UUID --activation-id UUID --web-service-uri https://platform.example.com/
  wayfarerctl provision --ca-file /etc/wayfarer/ca.pem --wait
  wayfarerctl provision --wait 30   no waiting for the next attempt, and a look at how it ends

Everything is checked before agent.conf is written; other lines and comments in it stay. A running agent follows.
Exit codes with --wait: 0 registered, 6 refused by the platform, 8 not registered in time.`,
    );
  for (const [flags, , name] of OPTIONS) command.option(flags, definitionOf(name).comment);
  command.action((options: Options) => provision(paths, options));
}

function waitSeconds(text: string): number {
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > WAIT_SEC.max) {
    throw new InvalidArgumentError(`give a whole number of seconds up to ${String(WAIT_SEC.max)}`);
  }
  return seconds;
}

async function provision(paths: Paths, options: Options): Promise<void> {
  const since = Date.now();
  const changes = changesOf(options);
  const changed = Object.keys(changes);
  if (changed.length > 0) {
    checkComplete(paths, changes);
    writeSettings(paths.settingsFile, changes);
  }
  try {
    const state =
      changed.length > 0 ? 'written' : await new ControlClient(paths.adminEndpoint).provisionNow();
    const hostId = options.wait === undefined ? null : await wait(paths, options.wait, changes, since);
    print(options, { state: hostId === null ? state : 'registered', changed, hostId }, () => [
      ...(changed.length === 0 ? [] : [`${paths.settingsFile}: ${changed.join(', ')} written`]),
      hostId === null ? SENTENCES[state] : `registered as ${hostId}`,
    ]);
  } catch (error) {
    throw answerOf(error, paths);
  }
}

const SENTENCES = {
  written: 'a running agent follows within seconds, another one when it is started',
  trying: 'the agent tries to register now; "wayfarerctl status" shows how it ends',
  registered: 'this host is registered already',
};

function wait(paths: Paths, seconds: number | true, changes: SettingChanges, since: number): Promise<string> {
  const timeoutMs = (seconds === true ? WAIT_SEC.default : seconds) * 1000;
  return untilRegistered(new ControlClient(paths.readEndpoint), {
    timeoutMs,
    since,
    expected: {
      uri: changes.WebServiceUri,
      activationId: changes.ActivationId,
      customerId: changes.CustomerId,
    },
  });
}

/** The given settings in their usual form. Throws an `Answer` that names each option whose value can't be used. */
function changesOf(options: Options): SettingChanges {
  const changes: Partial<Record<SettingName, string>> = {};
  const wrong: string[] = [];
  for (const [flags, key, name] of OPTIONS) {
    const text = options[key];
    if (text === undefined) continue;
    const { value, reason } = tryParse(definitionOf(name).parse, text);
    if (reason === undefined) changes[name] = settingText(value);
    else wrong.push(`${flags.replace(/ .*/, '')}: ${reason}`);
  }
  const caFile = changes.CaFile === undefined ? undefined : new Trust(changes.CaFile).problem();
  if (caFile !== undefined) wrong.push(`--ca-file: ${caFile}`);
  if (wrong.length > 0) throw new Answer(ExitCode.usage, `${wrong.join('; ')}; nothing was changed`);
  return changes;
}

/** Throws an `Answer` where the agent could not register with what would stand in the file then. */
function checkComplete(paths: Paths, changes: SettingChanges): void {
  const file = parseSettingsFile(readSmallFile(paths.settingsFile) ?? '', paths.settingsFile);
  const given = Object.fromEntries(
    Object.entries(changes).map(([name, value]) => [name, { value, source: 'option' }]),
  );
  const { missing, problems } = resolveSettings([settingsFromEnvironment(process.env), given, file.settings]);
  const wrong = problems.filter(({ harmless }) => harmless !== true);
  const reasons = [
    ...wrong.map(({ source, setting, reason }) => `${source} ${setting}: ${reason}`),
    ...(missing.length === 0 ? [] : [`${missing.join(', ')} would still be missing`]),
  ];
  if (reasons.length > 0) throw new Answer(ExitCode.usage, `${reasons.join('; ')}; nothing was changed`);
}
