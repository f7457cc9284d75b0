import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { ExitCode } from '../shared/exit-codes.ts';
import { AGENT_VERSION } from '../shared/wire.ts';
import { startAgentIdProcess } from './agent/agentid-process.ts';
import { startCollectorProcess } from './agent/collector-process.ts';
import type { AgentCore } from './agent/core.ts';
import { developmentIntervals } from './agent/development.ts';
import type { DevelopmentIntervals } from './agent/facts.ts';
import { followSettings } from './agent/follow-settings.ts';
import { openCore } from './agent/open-core.ts';
import { SENSOR_MEMORY_MB } from './agent/sensing.ts';
import { startSensorProcess } from './agent/sensor-process.ts';
import { systemClock, systemRandom } from './clock.ts';
import { openControl } from './control/server.ts';
import { isErrno, UnsafeFile } from './host/atomic-file.ts';
import { heapBound } from './host/frugal-runtime.ts';
import { Locked, lockDataDir } from './host/lock.ts';
import { openLog, type AgentLog, type Log } from './host/log.ts';
import { ensurePaths, resolvePaths, type Paths } from './host/paths.ts';
import { rootDirectory } from './host/root.ts';
import type { SettingName } from './host/setting-definitions.ts';
import {
  resolveSettings,
  settingsFromEnvironment,
  type RawSettings,
  type Settings,
} from './host/settings.ts';
import { readSettingsFile } from './host/settings-file.ts';

/*
 * Entry point of the background service: the agent core without a display, until SIGTERM or SIGINT. Flags come before
 * environment variables, these before agent.conf.
 */

const FLAGS: Readonly<Record<string, SettingName>> = {
  customerId: 'CustomerId',
  activationId: 'ActivationId',
  webServiceUri: 'WebServiceUri',
  platformKey: 'PlatformKey',
  caFile: 'CaFile',
};

/** Ends the process with a line that says why. */
class Refusal extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

function parseFlags(argv: readonly string[]): RawSettings {
  const program = new Command('wayfarer-agent')
    .description('Collects this host and keeps it in sync with a platform, until it is ended.')
    .version(AGENT_VERSION)
    .option('--customer-id <uuid>', 'customer that this host belongs to')
    .option('--activation-id <uuid>', 'activation key to register with')
    .option('--web-service-uri <url>', 'platform, e.g. https://platform.example.com/CloudAgent/')
    .option(
      '--platform-key <key>',
      "the platform's public key (Ed25519, base64url); pinned at first use without it",
    )
    .option('--ca-file <path>', 'PEM file with the CA of the platform, beside the ones of the system')
    .exitOverride()
    .parse([...argv], { from: 'user' });
  const raw: RawSettings = {};
  for (const [flag, value] of Object.entries(program.opts<Record<string, string>>())) {
    const name = FLAGS[flag];
    if (name !== undefined)
      raw[name] = { value, source: `--${flag.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}` };
  }
  return raw;
}

function loadSettings(flags: RawSettings, paths: Paths): Settings {
  const file = readSettingsFile(paths.settingsFile);
  const settings = resolveSettings(
    [flags, settingsFromEnvironment(process.env), file.settings],
    file.problems,
  );
  const wrongFlag = settings.problems.find((problem) => problem.source.startsWith('--'));
  if (wrongFlag !== undefined) {
    throw new Refusal(ExitCode.usage, `${wrongFlag.source}: ${wrongFlag.reason}`);
  }
  return settings;
}

/** The main module of another program: beside this file as a bundle, `source` from here in a clone. */
function entry(bundle: string, source: string): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith('.ts') ? source : bundle, here));
}

/** What stays while settings change: the process, its lock and its log, unless that is what changed. */
interface Host {
  readonly paths: Paths;
  readonly development: DevelopmentIntervals;
  readonly endings: Endings;
  readonly readSettings: () => Settings;
}

async function run(argv: readonly string[]): Promise<void> {
  const flags = parseFlags(argv);
  const paths = resolvePaths(process.platform, rootDirectory(process.env), process.env);
  ensurePaths(paths);
  const readSettings = (): Settings => loadSettings(flags, paths);
  let settings: Settings | null = readSettings();
  const development = developmentIntervals(process.env);
  const unlock = await lockDataDir(paths.dataDir);
  try {
    const host: Host = { paths, development, endings: endings(), readSettings };
    while (settings !== null) settings = await runWithLog(host, settings);
  } finally {
    unlock();
  }
}

/** Runs the agent as long as its settings want this log. Returns those that want another one, `null` at the end. */
async function runWithLog(host: Host, first: Settings): Promise<Settings | null> {
  const { paths } = host;
  const log = openLog(paths.logFile, 'info', {
    onTrouble: (error) => {
      process.stderr.write(`wayfarer-agent: the log ${paths.logFile} can't be written: ${error.message}\n`);
    },
    ...(first.syslog && process.platform !== 'win32' && { syslog: { socket: paths.syslogSocket } }),
  });
  try {
    let settings: Settings | null = first;
    while (settings?.syslog === first.syslog) settings = await runCore(host, settings, log);
    return settings;
  } catch (error) {
    log.error(`the agent can't run: ${error instanceof Error ? error.message : String(error)}`);
    throw error;
  } finally {
    await log.close();
  }
}

/**
 * The agent from its first to its last event under one set of settings. Resolves with other ones once `agent.conf` has
 * them, with `null` after SIGTERM or SIGINT; rejects when it can't start.
 */
async function runCore(host: Host, settings: Settings, log: AgentLog): Promise<Settings | null> {
  const { paths, development, endings: ending } = host;
  const { core, close } = await openCore({
    paths,
    settings,
    clock: systemClock,
    random: systemRandom,
    log,
    startCollector: startCollectorProcess(entry('collector.mjs', '../collector/main.ts'), [
      heapBound(settings.collectorMemoryMb),
    ]),
    startSensor: startSensorProcess(
      entry('sensor.mjs', '../collector/sensor.ts'),
      join(paths.dataDir, 'sensor'),
      [heapBound(SENSOR_MEMORY_MB)],
    ),
    startAgentId: startAgentIdProcess(entry('agentid.mjs', 'agentid.ts')),
    development,
    fatal: ending.fatal,
  });
  const closing = async (): Promise<boolean> => withDeadline(close(), log);
  const next = await serve(host, settings, core, log).catch(async (error: unknown) => {
    await closing();
    throw error;
  });
  const ended = await closing();
  // Two cores on one database would be worse than an end: the service manager starts the agent again.
  if (!ended && next !== null) throw new Error('the settings changed, but an exchange does not end');
  if (next === null) log.info('agent ended');
  return next;
}

/** Answers the control channel, and works, until there are other settings, or `null` for the end. */
async function serve(host: Host, inForce: Settings, core: AgentCore, log: Log): Promise<Settings | null> {
  const { paths, endings: ending } = host;
  const control = await openControl({ read: paths.readEndpoint, admin: paths.adminEndpoint }, core);
  try {
    log.info(`agent ${AGENT_VERSION} started`);
    await core.start();
    return await Promise.race([ending.ended, otherSettings(host, inForce, core, log)]);
  } finally {
    await control.close();
  }
}

/** Resolves with the settings of `agent.conf` once they are others, and the agent can work with them. */
async function otherSettings(host: Host, inForce: Settings, core: AgentCore, log: Log): Promise<Settings> {
  let end: () => void = () => undefined;
  // Once the process is to end there is nothing more to follow.
  void host.endings.ended
    .catch(() => null)
    .then(() => {
      end();
    });
  try {
    return await new Promise<Settings>((resolve) => {
      end = followSettings({
        file: host.paths.settingsFile,
        inForce,
        read: host.readSettings,
        clock: systemClock,
        judged: (change) => {
          if ('keep' in change) {
            core.settingsRead(change.keep);
            return;
          }
          log.info(`settings changed: ${change.changed.join(', ')}; the agent goes on with the new ones`);
          resolve(change.take);
        },
      });
    });
  } finally {
    end();
  }
}

interface Endings {
  readonly ended: Promise<null>;
  readonly fatal: (reason: string) => void;
}

/**
 * What ends the agent: `ended` resolves at the first SIGTERM or SIGINT and rejects once `fatal` is called. Later ones
 * change nothing: the end is under way and has a deadline.
 */
function endings(): Endings {
  let fatal: (reason: string) => void = () => undefined;
  const ended = new Promise<null>((resolve, reject) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        resolve(null);
      });
    }
    fatal = (reason) => {
      reject(new Error(`the database is damaged, the next start sets it aside: ${reason}`));
    };
  });
  // Until somebody waits for it, a rejection has to be somebody's.
  ended.catch(() => undefined);
  return { ended, fatal };
}

/** How long the core may take to end, ms: an exchange with a platform that does not answer would hold it for minutes. */
const END_MS = 5_000;

/** Waits for the end of the core, but not for ever: it resumes from the disk whatever it was doing. Whether it ended. */
async function withDeadline(ending: Promise<void>, log: Log): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, END_MS, 'late');
  });
  const outcome = await Promise.race([ending, deadline]);
  clearTimeout(timer);
  if (outcome === 'late')
    log.warn('an exchange is under way and left unfinished: it is taken up at the next start');
  return outcome !== 'late';
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Refusal) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof Locked || error instanceof UnsafeFile) return ExitCode.refused;
  if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) return ExitCode.permission;
  return ExitCode.failed;
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  // Commander has printed its own message already.
  if (!(error instanceof CommanderError)) {
    process.stderr.write(`wayfarer-agent: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.exitCode = exitCodeOf(error);
}
// Everything is closed; a handle that still is not must not keep a service alive that its manager believes ended.
process.exit();
