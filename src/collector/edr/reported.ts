import type { EventProcess, EventUser, Severity } from '../../shared/host-events.ts';
import { EVENT_LIMITS, severityNumber } from '../../shared/host-events.ts';
import type { EdrRuleParams } from '../../shared/process-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { glob, type Glob } from '../fim/glob.ts';
import { redact } from '../linux/redact.ts';
import type { Os } from '../table.ts';
import { encodeHostText } from '../text.ts';
import { redactCommandLine } from '../windows/command-line.ts';

/*
 * Starts and ends of processes as the system itself reports them: Endpoint Security on macOS, the Security log on Windows.
 */

/** A process that started or ended. Text is as events have it. */
export interface ReportedProcess {
  readonly action: 'process_started' | 'process_ended';
  /** Ms since the epoch. */
  readonly at: number;
  /** `eslogger`, `security log`. */
  readonly provider: string;
  /** Host text, for the patterns of rules. */
  readonly executable: string;
  readonly process: EventProcess;
  readonly user?: EventUser | undefined;
  readonly loginUser?: EventUser | undefined;
}

/** A rule of the table `process_events` with the id of its task. */
export type ProcessRule = EdrRuleParams<'process_events'> & { readonly id: string };

interface Compiled {
  readonly rule: ProcessRule;
  readonly includes: (path: string) => boolean;
  readonly excludes: (path: string) => boolean;
}

/** The rules of process events, asked for each process: the first that wants it names and grades the event. */
export class ProcessRules {
  readonly #rules: readonly Compiled[];
  readonly #uuid: () => string;

  /** `uuid` gives the id of an event. */
  constructor(rules: readonly ProcessRule[], os: Os, uuid: () => string) {
    this.#uuid = uuid;
    this.#rules = rules.map((rule) => ({
      rule,
      includes: rule.include.length === 0 ? () => true : anyOf(rule.include, os),
      excludes: anyOf(rule.exclude, os),
    }));
  }

  /** The event of a process; `undefined` where no rule wants it. */
  event(reported: ReportedProcess): UnsealedEdrEvent | undefined {
    const wanted = this.#rules.find(
      ({ rule, includes, excludes }) =>
        includes(reported.executable) &&
        !excludes(reported.executable) &&
        !isUser(rule.excludeUsers, reported.user),
    );
    if (wanted === undefined) return undefined;
    const { at, provider, action, process, user, loginUser } = reported;
    return {
      '@timestamp': new Date(at).toISOString(),
      event: {
        id: this.#uuid(),
        kind: 'event',
        module: 'edr',
        category: ['process'],
        type: [action === 'process_started' ? 'start' : 'end'],
        action,
        severity: severityNumber(wanted.rule.severity),
        provider,
      },
      rule: { id: wanted.rule.id },
      process,
      ...(user === undefined ? {} : { user }),
      wayfarer: {
        severity: wanted.rule.severity,
        ...(loginUser === undefined ? {} : { login_user: loginUser }),
      },
    };
  }
}

/** That process events were lost; `count` where it is known. Its severity is that of what could not be seen: unknown, so high. */
export function eventsLost(
  {
    at,
    provider,
    reason,
    count,
  }: { at: number; provider: string; reason: string; count?: number | undefined },
  uuid: () => string,
): UnsealedEdrEvent {
  const severity: Severity = 'high';
  return {
    '@timestamp': new Date(at).toISOString(),
    event: {
      id: uuid(),
      kind: 'event',
      module: 'edr',
      category: ['process'],
      type: ['info'],
      action: 'events_lost',
      severity: severityNumber(severity),
      provider,
    },
    wayfarer: { severity, reason: reason.slice(0, 200), ...(count === undefined ? {} : { lost: count }) },
  };
}

/** A command line as an event has it: values of secrets blanked, encoded, bounded. */
export function commandLineText(line: string, os: Os): string {
  // What is beyond the bound is cut first: nobody's arguments make this slow.
  const bounded = line.slice(0, EVENT_LIMITS.commandLine);
  // Those of macOS are arguments that were joined: how they were split is not known any more.
  const blanked = os === 'win32' ? redactCommandLine(bounded) : redact(bounded);
  return encodeHostText(blanked, os).slice(0, EVENT_LIMITS.commandLine);
}

function anyOf(patterns: readonly string[], os: Os): (path: string) => boolean {
  const separator = os === 'win32' ? '\\' : '/';
  const fold = (text: string): string => (os === 'win32' ? text.toLowerCase() : text);
  const tests = patterns.map((pattern): ((path: string) => boolean) => {
    const matches: Glob = glob(fold(pattern), separator);
    if (pattern.includes(separator)) return matches;
    return (path) => matches(path.slice(path.lastIndexOf(separator) + 1));
  });
  return (path) => {
    const folded = fold(path);
    return tests.some((test) => test(folded));
  };
}

/** Whether a user is one of those, by number or SID, or by name. */
function isUser(named: readonly string[], user: EventUser | undefined): boolean {
  if (user === undefined) return false;
  return named.some((name) => name === user.id || name === user.name);
}
