import type { EventActor, EventProcess, EventUser } from '../../shared/host-events.ts';
import type { Attribution, Moment } from '../fim/change.ts';
import { spansAt, type ProcessEntry, type Span } from './process-entry.ts';
import type { ProcessTable } from './process-table.ts';
import { cut, type Program } from './program.ts';
import type { Users } from './users.ts';

/** Longest reason of an unknown actor (`host-events.ts`). */
const REASON_CHARS = 200;

const unknown = (pid: number, reason: string): Attribution => ({
  actor: { state: 'unknown', reason: cut(reason, REASON_CHARS), pid },
});

/** What no process of this host's first namespace did: the kernel gives 0 for those that the reader can't see. */
const NOBODY = unknown(0, 'the kernel itself, or a process of another pid namespace');

/**
 * Says which process did something, and what that ran as whom at that time. Never a guess: a program is named only if the
 * process ran no other one in the whole time in which it may have happened. It holds
 * - against a pid that was given anew, by the start of the process and the kernel's events, and by what the source says of
 *   processes that are gone;
 * - against a program that was started between the event and the look, by the times of the kernel's events, and by the order
 *   in which the source saw files opened for execution;
 * - while events are lost: then actors are unknown until the time in question begins after the loss.
 * Not told apart are threads of one process, and a program that was read in the microseconds between its being in place and
 * the kernel's saying so (`ProcessTable`).
 */
export class Attributions {
  readonly #table: ProcessTable;
  readonly #users: Users;

  constructor(table: ProcessTable, users: Users) {
    this.#table = table;
    this.#users = users;
  }

  /**
   * Who did what happened at a moment. Every process event up to now has to be in the table, but where processes are
   * polled.
   */
  of(pid: number, moment: Moment): Attribution {
    const { since } = moment;
    if (pid <= 0) return NOBODY;
    // Of one that is gone only what was remembered counts: /proc would tell of the next one with its pid.
    const found = moment.isGone === true ? this.#table.known(pid) : this.#table.find(pid);
    const entry = found === undefined ? undefined : onlyOne(found, moment);
    if (entry === undefined) return unknown(pid, 'gone before it could be read');
    if (entry === 'two') return unknown(pid, 'two processes had this pid at that time');
    if (entry.sureFrom > since) return unknown(pid, this.#doubt());
    return this.#among(entry, spansAt(entry, moment), since);
  }

  #doubt(): string {
    return this.#table.polled
      ? 'processes are polled: what it ran at that time is not known'
      : 'process events were lost at that time';
  }

  /** One attribution if all spans agree on the program. */
  #among(entry: ProcessEntry, spans: readonly Span[], since: number): Attribution {
    const [first, ...others] = spans;
    if (first === undefined) return unknown(entry.pid, 'gone before it could be read');
    const manager = managerSince(entry, first, since);
    const { program, why } = first.image;
    if (others.some(({ image }) => image.program?.path !== program?.path)) {
      const names = spans.map(({ image }) => image.program?.executable ?? 'one that is not known');
      return labelled(
        unknown(entry.pid, `it changed its program at that time: ${names.join(', ')}`),
        manager,
      );
    }
    if (program === undefined) return labelled(unknown(entry.pid, why), manager);
    const last = others.at(-1) ?? first;
    const isOneUser = others.every(({ uid }) => uid?.effective === first.uid?.effective);
    if (!isOneUser) return labelled(this.#doneBy(entry, program, undefined), manager);
    return this.#kept(entry, last, program, manager);
  }

  /** The same object for everything that a process does in one span. */
  #kept(entry: ProcessEntry, span: Span, program: Program, manager: string | undefined): Attribution {
    if (span.said?.program !== program || span.said.manager !== manager) {
      const attribution = labelled(this.#doneBy(entry, program, span), manager);
      span.said = { program, manager, attribution };
    }
    return span.said.attribution;
  }

  /** `span` for its user, where that is sure. */
  #doneBy(entry: ProcessEntry, program: Program, span: Span | undefined): Attribution {
    const process = this.process(entry, program);
    const actor: EventActor = { state: 'known', process, ...this.users(entry, span) };
    return program.isPlaced ? { actor } : { actor, isElsewhere: true };
  }

  /** A process as events name it; fields that are not known are left out. */
  process(entry: ProcessEntry, program: Program | undefined): EventProcess {
    const parent = entry.parent.image?.program;
    const line = program?.commandLine() ?? '';
    const name = program?.name ?? entry.name;
    return {
      pid: entry.pid,
      ...(name === undefined ? {} : { name }),
      ...(program === undefined ? {} : { executable: program.executable }),
      ...(line === '' ? {} : { command_line: line }),
      start: new Date(this.#table.clock.wallOfTicks(entry.startTicks)).toISOString(),
      parent: {
        pid: entry.parent.pid,
        ...(parent === undefined ? {} : { name: parent.name, executable: parent.executable }),
      },
    };
  }

  /** The user of a span and who logged in, as events have them. */
  users(entry: ProcessEntry, span: Span | undefined): { user?: EventUser; login_user?: EventUser } {
    const { loginUid } = entry;
    return {
      ...(span?.uid === undefined ? {} : { user: this.#users.user(span.uid.effective) }),
      ...(loginUid === undefined ? {} : { login_user: this.#users.user(loginUid) }),
    };
  }
}

/** The package manager that was at work in all of the time since a moment that a process may have been one of its own. */
function managerSince({ manager, ownManager }: ProcessEntry, first: Span, since: number): string | undefined {
  if (manager === undefined || (manager.endedAt ?? Number.POSITIVE_INFINITY) < since) return undefined;
  // What a process was before it became the package manager itself is not the package manager's.
  return manager === ownManager && first.from < manager.startedAt ? undefined : manager.name;
}

const labelled = (attribution: Attribution, packageManager: string | undefined): Attribution =>
  packageManager === undefined ? attribution : { ...attribution, packageManager };

/** The one process that had the pid at that moment; `undefined` where none did. */
function onlyOne(
  entry: ProcessEntry,
  { since, until, isGone = false }: Moment,
): ProcessEntry | 'two' | undefined {
  const lived = [entry, entry.previous].filter(
    (one) =>
      one !== undefined &&
      (!isGone || one.endedAt !== undefined || one.leaderGone) &&
      (one.endedAt ?? Number.POSITIVE_INFINITY) >= since &&
      (one.spans[0]?.from ?? Number.NEGATIVE_INFINITY) <= until,
  );
  return lived.length > 1 ? 'two' : lived[0];
}
