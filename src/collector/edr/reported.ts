import { cut } from './program.ts';
import type { EventProcess, EventUser } from '../../shared/host-events.ts';
import { EVENT_LIMITS } from '../../shared/host-events.ts';
import type { EdrRuleParams } from '../../shared/process-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { glob, type Glob } from '../fim/glob.ts';
import type { Os } from '../table.ts';
import { encodeHostText } from '../text.ts';
import { redactCommandLine } from '../windows/command-line.ts';
import { edrRecord } from './record.ts';

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
      includes: rule.include.length === 0 ? () => true : pathPatterns(rule.include, os),
      excludes: pathPatterns(rule.exclude, os),
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
    return edrRecord({
      ...{ id: this.#uuid(), at, action, provider, process, user },
      severity: wanted.rule.severity,
      rule: wanted.rule.id,
      login_user: loginUser,
    });
  }
}

/** A command line of Windows as an event has it: values of secrets blanked, encoded, bounded. */
export function commandLineText(line: string): string {
  // What is beyond the bound is cut first: nobody's arguments make this slow.
  const blanked = redactCommandLine(line.slice(0, EVENT_LIMITS.commandLine));
  return cut(encodeHostText(blanked, 'win32'), EVENT_LIMITS.commandLine);
}

/** How an event names an executable of Windows. */
export function imageOf(path: string): { readonly name: string; readonly executable: string } {
  return {
    name: cut(encodeHostText(path.slice(path.lastIndexOf('\\') + 1), 'win32'), 1_024),
    executable: cut(encodeHostText(path, 'win32'), 16_384),
  };
}

/** Whether one of several patterns fits a path as this system writes it: on Windows whatever the case of its letters. */
export function pathPatterns(patterns: readonly string[], os: Os): (path: string) => boolean {
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
