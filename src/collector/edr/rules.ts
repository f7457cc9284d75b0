import type { Task } from '../../shared/manifest.ts';
import { EDR_RULES, type EdrRuleParams, type EdrTable } from '../../shared/process-events.ts';
import type { EventUser, Severity } from '../../shared/host-events.ts';
import { severityNumber } from '../../shared/host-events.ts';
import { glob } from '../fim/glob.ts';
import type { Program } from './program.ts';

/** A rule with the id of its task. */
export type EdrRule<T extends EdrTable> = EdrRuleParams<T> & { readonly id: string };

/** What tries a path: whether one of several patterns fits. One without a separator is tried on the name. */
export type PathTest = (path: string) => boolean;

export function pathTest(patterns: readonly string[]): PathTest {
  const tests = patterns.map((pattern): PathTest => {
    const matches = glob(pattern, '/');
    return pattern.includes('/') ? matches : (path) => matches(path.slice(path.lastIndexOf('/') + 1));
  });
  return (path) => tests.some((test) => test(path));
}

/** The rules of a manifest that this host can follow, the severest first, and what is wrong with the others. */
export interface EdrRules {
  readonly process: readonly EdrRule<'process_events'>[];
  readonly listener: readonly EdrRule<'listener_events'>[];
  readonly startup: readonly EdrRule<'startup_events'>[];
  readonly dropped: readonly EdrRule<'dropped_executables'>[];
  readonly mutex: readonly EdrRule<'mutex_events'>[];
  readonly refused: readonly { readonly id: string; readonly reason: string }[];
}

export const NO_RULES: EdrRules = {
  process: [],
  listener: [],
  startup: [],
  dropped: [],
  mutex: [],
  refused: [],
};

/** Parses the tasks of an EDR manifest. Those of tables of other systems are left out, those that can't be parsed refused. */
export function edrRules(tasks: readonly Task[]): EdrRules {
  const refused: { id: string; reason: string }[] = [];
  const of = <T extends EdrTable>(table: T): EdrRule<T>[] =>
    tasks
      .filter((task) => task.table === table)
      .flatMap(({ id, params }) => {
        const parsed = EDR_RULES[table].safeParse(params);
        if (parsed.success) return [{ ...parsed.data, id } as EdrRule<T>];
        refused.push({ id, reason: `parameters refused: ${parsed.error.issues[0]?.message ?? 'invalid'}` });
        return [];
      })
      .sort((a, b) => rank(b) - rank(a));
  for (const { id, table } of tasks) {
    if (!Object.hasOwn(EDR_RULES, table)) refused.push({ id, reason: `no table ${table} of process events` });
  }
  return {
    process: of('process_events'),
    listener: of('listener_events'),
    startup: of('startup_events'),
    dropped: of('dropped_executables'),
    mutex: of('mutex_events'),
    refused,
  };
}

const rank = ({ severity }: { readonly severity: Severity }): number => severityNumber(severity);

/** A rule of process events with its patterns compiled. */
export interface ProcessRule {
  readonly rule: EdrRule<'process_events'>;
  /**
   * Whether it wants to hear of a process. What is not known might be what it names: that counts as wanted. So does what
   * runs from a path that leads elsewhere here: a path that whoever started it may have chosen excludes nothing.
   */
  readonly wants: (
    program: Pick<Program, 'path' | 'isPlaced'> | undefined,
    user: EventUser | undefined,
  ) => boolean;
}

export function processRule(rule: EdrRule<'process_events'>): ProcessRule {
  const [included, excluded] = [pathTest(rule.include), pathTest(rule.exclude)];
  const users = new Set(rule.excludeUsers);
  return {
    rule,
    wants: (program, user) => {
      if (user !== undefined && (users.has(user.id) || users.has(user.name ?? user.id))) return false;
      if (program === undefined) return true;
      const { path, isPlaced } = program;
      return (rule.include.length === 0 || included(path) || !isPlaced) && !(isPlaced && excluded(path));
    },
  };
}
