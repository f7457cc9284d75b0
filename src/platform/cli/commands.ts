import { InvalidArgumentError, type Command } from 'commander';
import { createAdmin, type Admin } from '../admin/admin.ts';
import { NotFound } from '../errors.ts';
import { openStore } from '../store/store.ts';
import { existsSync } from 'node:fs';
import { profileSettings, SETTINGS_HELP } from './profile-settings.ts';
import {
  activitiesText,
  assetChangesText,
  agentText,
  agentsText,
  findingsText,
  keysText,
  profilesText,
} from './render.ts';
import { profileText } from './profile-text.ts';
import { print } from './output.ts';

export interface Common {
  readonly data: string;
  readonly json: boolean;
}
type Pairs = Readonly<Record<string, unknown>>;

/** Runs administration on the database of a data directory, beside a server or without one. */
export function withAdmin<T>(data: string, work: (admin: Admin) => T): T {
  if (!existsSync(data))
    throw new NotFound(`there is no platform in ${data}: run "wayfarer-platform init" first`);
  const store = openStore(data);
  try {
    return work(createAdmin({ store, now: Date.now }));
  } finally {
    store.close();
  }
}

/** Asks the administration of the platform that the options name, and prints the answer as text or JSON. */
export function answer<T>(command: Command, ask: (admin: Admin) => T, text: (found: T) => string): void {
  const { data, json } = command.optsWithGlobals<Common>();
  const found = withAdmin(data, ask);
  print(json, found, () => text(found));
}

export const list = (text: string): string[] => text.split(',').filter((part) => part !== '');
const limit = (text: string): number | null => (text === 'unlimited' ? null : whole(text));
const expiry = (text: string): string | null => {
  if (text === 'never') return null;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError('give a date such as 2027-01-31, or "never"');
  return new Date(time).toISOString();
};

export function whole(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('give a whole number');
  return Number(text);
}

/** Reads `key=value` words; numbers and true/false become such, everything else stays text. */
export function pairsOf(words: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new InvalidArgumentError(`"${word}" is not key=value`);
      return [word.slice(0, at), valueOf(word.slice(at + 1))];
    }),
  );
}

/** Arguments of commands: like `pairsOf`, and `types` is a list separated by commas. */
function argsOf(words: readonly string[]): Record<string, unknown> {
  const args = pairsOf(words);
  return typeof args['types'] === 'string' ? { ...args, types: list(args['types']) } : args;
}

const yesOrNo = (text: string): boolean => {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('give true or false');
  return text === 'true';
};

function valueOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

export function keyCommands(program: Command): void {
  const keys = program.command('keys').description('activation keys');
  const options = (command: Command): Command =>
    command
      .option('--modules <list>', 'AI, VM, PC, SCA, FIM, EDR, PM, separated by commas', list)
      .option('--tags <list>', 'given to every host that registers with the key', list)
      .option('--max-agents <n>', 'number of agents, or "unlimited"', limit)
      .option('--expires-at <date>', 'date, or "never"', expiry);
  keys
    .command('list', { isDefault: true })
    .description('show all keys')
    .action((_, command: Command) => {
      answer(command, (admin) => admin.keys(), keysText);
    });
  options(
    keys.command('create').description('make a key').requiredOption('--title <text>', 'its title'),
  ).action((given: Pairs & { readonly title: string }, command: Command) => {
    answer(
      command,
      (admin) => admin.createKey(given),
      (made) => keysText([made]),
    );
  });
  options(keys.command('edit <id>').description('change a key').option('--title <text>', 'its title'))
    .option('--disabled <true|false>', 'refuse new agents', yesOrNo)
    .option('--apply-to-agents', 'change existing agents of the key, too')
    .action((id: string, given: Pairs, command: Command) => {
      answer(
        command,
        (admin) => admin.editKey(id, given),
        (made) => keysText([made]),
      );
    });
}

export function profileCommands(program: Command): void {
  const profiles = program.command('profiles').description('configuration profiles, topmost first');
  const options = (command: Command): Command =>
    command
      .option('--include-tags <list>', 'hosts with any of these tags', list)
      .option('--exclude-tags <list>', 'but none of these', list)
      .option('--hosts <list>', 'host names that always use it', list)
      .option('--position <n>', 'place in the list, 0 = top', whole)
      .option('--default', 'make it the default')
      .addHelpText('after', SETTINGS_HELP);
  profiles
    .command('list', { isDefault: true })
    .description('show all profiles')
    .action((_, command: Command) => {
      answer(command, (admin) => admin.profiles(), profilesText);
    });
  profiles
    .command('show <id>')
    .description('every setting of a profile, as "profiles edit" takes it')
    .action((id: string, _, command: Command) => {
      answer(command, (admin) => profileNamed(admin, id), profileText);
    });
  options(profiles.command('create <settings...>').description('make a profile')).action(
    (settings: string[], given: Pairs, command: Command) => {
      answer(
        command,
        (admin) => admin.createProfile(editOf(settings, given)),
        (made) => profilesText([made]),
      );
    },
  );
  options(profiles.command('edit <id> [settings...]').description('change a profile')).action(
    (id: string, settings: string[], given: Pairs, command: Command) => {
      answer(
        command,
        (admin) => admin.editProfile(id, editOf(settings, given)),
        (made) => profilesText([made]),
      );
    },
  );
}

function profileNamed(admin: Admin, id: string): ReturnType<Admin['profiles']>[number] {
  const found = admin.profiles().find(({ profile }) => profile.id === id);
  if (found === undefined) throw new NotFound(`there is no profile ${id}`);
  return found;
}

function editOf(settings: readonly string[], given: Pairs): Parameters<Admin['createProfile']>[0] {
  const assign = Object.fromEntries(
    [
      ['includeTags', given['includeTags']],
      ['excludeTags', given['excludeTags']],
      ['hostNames', given['hosts']],
    ].filter(([, value]) => value !== undefined),
  ) as Record<string, string[]>;
  return {
    settings: profileSettings(pairsOf(settings)),
    assign,
    ...(given['default'] === true ? { isDefault: true as const } : {}),
    ...(typeof given['position'] === 'number' ? { position: given['position'] } : {}),
  };
}

const COMMANDS_HELP = `
Commands:
  RESYNC [types=A,B]         drop what is held of these manifest types, or of all, and collect in full
  SYNC_CHECK                 compare what both sides hold
  ACTIVATE module=VM         switch a module on
  DEACTIVATE module=VM       switch a module off
  REPROVISION                take a new host id and a new key
  COLLECT_LOGS               have the agent send its log, status and settings; see "logs HOST"
  SET_LOG_LEVEL level=debug until=2027-01-31T18:00:00Z
                             another log level than the profile's, for seven days at most
  UPGRADE [version=1.2.3], UNINSTALL, SCAN_NOW [type=A]
                             carried to the agent; one that does not know them answers UNSUPPORTED
"show HOST" tells what became of a command.`;

export function agentCommands(program: Command): void {
  program
    .command('agents')
    .description('show all agents')
    .action((_, command: Command) => {
      answer(command, (admin) => admin.agents(), agentsText);
    });
  program
    .command('show <host>')
    .description('everything about one agent; HOST is an agent id or a host name')
    .action((host: string, _, command: Command) => {
      answer(command, (admin) => admin.show(host), agentText);
    });
  program
    .command('findings <host>')
    .description('vulnerabilities of one host')
    .addHelpText(
      'after',
      `
A finding that is still open although it was mended:
  the agent has not checked in or scanned since     "show <host>" has the times; SCAN_NOW, or "wayfarerctl scan vm" there
  the host has to be started again                  a new kernel or library counts once it is in use
  another kind of scan finds it                     compliance follows the policy evaluation ("wayfarer-agent.sh policy_eval")
  the fixed version is another one                  the row names the version that closes it`,
    )
    .action((host: string, _, command: Command) => {
      answer(command, (admin) => admin.findings(host), findingsText);
    });
  program
    .command('changes <host>')
    .description('what changed on one host between its scans: packages, patches, configuration; newest first')
    .option('--limit <n>', 'at most so many', whole, 100)
    .action((host: string, given: { readonly limit: number }, command: Command) => {
      answer(command, (admin) => admin.assetChanges(host, given.limit), assetChangesText);
    });
  program
    .command('activities <host>')
    .description('life-cycle activities of one agent, newest first')
    .action((host: string, _, command: Command) => {
      answer(command, (admin) => admin.activities(host), activitiesText);
    });
  program
    .command('command <host> <type> [args...]')
    .description('queue a command for the next heartbeat; args are key=value')
    .addHelpText('after', COMMANDS_HELP)
    .action((host: string, type: string, args: string[], _, command: Command) => {
      answer(
        command,
        (admin) => admin.command(host, type.toUpperCase(), argsOf(args)),
        (queued) =>
          `${queued?.type ?? type} waits for the next heartbeat of ${host} (host id ${queued?.agent ?? ''})`,
      );
    });
}
