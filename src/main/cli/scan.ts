import { Argument, InvalidArgumentError, type Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import {
  ON_DEMAND_TYPES,
  onDemandType,
  SCAN_CPU_LIMIT,
  type DemandedScan,
  type OnDemandType,
  type ScanReply,
} from '../../shared/scan.ts';
import { ControlClient } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { Answer, answerOf } from './answer.ts';
import { askForScan } from './ask-scan.ts';
import { followScan } from './follow-scan.ts';
import { harmless } from './harmless.ts';

/** How long `--wait` waits unless told otherwise, and at most, s. */
const WAIT_SEC = 3600;
const MAX_WAIT_SEC = 7 * 24 * 3600;

const SHORT_NAMES = Object.keys(ON_DEMAND_TYPES);

interface Options {
  readonly wait?: boolean;
  readonly cpuLimit?: number;
  readonly timeout?: number;
  readonly json?: boolean;
}

/** Adds `wayfarerctl scan`: has the agent scan a type now (R173, R319), and waits for the end if asked to. */
export function addScan(program: Command, paths: Paths): void {
  program
    .command('scan')
    .description('scan now, whatever the interval says')
    .addArgument(
      new Argument('<type>', 'what to scan, by its short name or its long one')
        .choices(SHORT_NAMES)
        .argParser(typeNamed),
    )
    .option('--wait', 'wait until the platform has the result')
    .option(
      '--cpu-limit <percent>',
      `most of one core, ${SCAN_CPU_LIMIT.min} to ${SCAN_CPU_LIMIT.max}; above the profile's limit for administrators only`,
      once(SCAN_CPU_LIMIT.min, SCAN_CPU_LIMIT.max),
    )
    .option(
      '--timeout <seconds>',
      `longest wait with --wait, 1 to ${MAX_WAIT_SEC} (default: ${WAIT_SEC}); the scan goes on after it`,
      once(1, MAX_WAIT_SEC),
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl scan vm                      after patches were installed
  wayfarerctl scan vm --wait --timeout 600 the same, and go on once the platform has it
  wayfarerctl scan inv --cpu-limit 100     as fast as one core can

Exit codes: 0 accepted (with --wait: done), 1 failed, 3 refused, 6 not registered, 7 needs root, 8 --wait ran out.`,
    )
    .action((type: OnDemandType, options: Options) => scan(paths, type, options));
}

function typeNamed(name: string): OnDemandType {
  const type = onDemandType(name);
  if (type !== undefined) return type;
  throw new InvalidArgumentError(`give one of ${SHORT_NAMES.join(', ')}, or its long name`);
}

/** Reads an option that is a whole number within bounds and may be given once. */
function once(min: number, max: number): (text: string, before: number | undefined) => number {
  return (text, before) => {
    if (before !== undefined) throw new InvalidArgumentError('it is given twice');
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`give a whole number from ${min} to ${max}`);
  };
}

async function scan(paths: Paths, type: OnDemandType, options: Options): Promise<void> {
  const { wait = false, cpuLimit, timeout, json = false } = options;
  if (timeout !== undefined && !wait) throw new Answer(ExitCode.usage, '--timeout needs --wait');
  const accepted = await orSay(json, { type }, () => askForScan(paths, { type, cpuLimitPct: cpuLimit }));
  if (!json) {
    say(`Scan of ${type} accepted: ${accepted.controlId}, at most ${accepted.cpuLimitPct} % of a core.`);
  }
  if (wait) {
    const demand = await orSay(json, accepted, () => ended(paths, accepted, timeout ?? WAIT_SEC, json));
    sayEnd(accepted, demand, json);
  } else if (json) say(JSON.stringify({ ...accepted, state: 'accepted' }, null, 2));
}

/**
 * What `ask` gives. An `Answer` in its place is said as an object too, for programs that asked for one: `refused` with the
 * agent's code where it was the agent's, else `unknown`, since nobody saw what became of the scan.
 */
async function orSay<T>(json: boolean, about: object, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (json && error instanceof Answer) {
      const { code, exitCode, message } = error;
      const state = code === undefined ? 'unknown' : 'refused';
      say(JSON.stringify({ ...about, state, code: code ?? null, exitCode, reason: message }, null, 2));
    }
    throw error;
  }
}

/** Waits for the end of a scan. Throws an `Answer` when there is none in time. */
async function ended(
  paths: Paths,
  scan: ScanReply,
  timeoutSec: number,
  json: boolean,
): Promise<DemandedScan> {
  const { type } = scan;
  const end = AbortSignal.timeout(timeoutSec * 1000);
  const lines = new ControlClient(paths.readEndpoint).watch(end);
  const shown = process.stdout.isTTY && !json ? (step: string) => say(`  ${step}`) : () => undefined;
  const demand = await followScan(lines, scan, shown).catch((error: unknown) => {
    if (end.aborted) return undefined;
    throw answerOf(error, paths);
  });
  if (demand === undefined) throw unfinished(type, end.aborted ? timeoutSec : undefined);
  return demand;
}

/** Says how a scan ended; one that failed is an `Answer` as well. */
function sayEnd({ type, controlId, cpuLimitPct }: ScanReply, demand: DemandedScan, json: boolean): void {
  const seconds = secondsOf(demand);
  if (json) {
    const { state, requestedAt, startedAt, endedAt, reason } = demand;
    const times = { requestedAt, startedAt, endedAt, seconds };
    say(JSON.stringify({ controlId, type, cpuLimitPct, state, ...times, reason }, null, 2));
  }
  if (demand.state === 'failed')
    throw new Answer(ExitCode.failed, `the scan of ${type} failed: ${demand.reason}`);
  if (!json) say(`Done in ${seconds} s: the platform has the result.`);
}

function unfinished(type: OnDemandType, timeoutSec: number | undefined): Answer {
  if (timeoutSec !== undefined) {
    return new Answer(ExitCode.timeout, `the scan of ${type} is not done after ${timeoutSec} s; it goes on`);
  }
  return new Answer(
    ExitCode.notRunning,
    `the agent ended before the scan of ${type} did; it goes on with it at its next start`,
  );
}

/** From the request to the end, rounded. */
function secondsOf({ requestedAt, endedAt }: DemandedScan): number {
  return endedAt === null ? 0 : Math.round((Date.parse(endedAt) - Date.parse(requestedAt)) / 1000);
}

function say(text: string): void {
  process.stdout.write(`${text.split('\n').map(harmless).join('\n')}\n`);
}
