import type { EventStream } from '../../shared/host-events.ts';
import { MANIFEST_LIMITS } from '../../shared/manifest.ts';
import type { MountState, RuleState, SensorProblem, SensorState } from '../../shared/sensor.ts';
import { showsKernel } from '../fim/linux/filesystem-kinds.ts';
import type { FromLedger } from '../fim/ledger/messages.ts';
import { MOST_UNREAD } from '../fim/ledger/unread.ts';
import type { FileWatchState } from './file-watch.ts';
import type { ProcessSource } from './ports.ts';

type Baseline = Extract<FromLedger, { kind: 'baseline' }>;
type Problem = SensorState['problems'][number];

/** What the state of the sensor is derived from. */
export interface SensorFacts {
  readonly fimOn: boolean;
  readonly edrOn: boolean;
  readonly rules: readonly RuleState[];
  readonly files: FileWatchState;
  readonly processes: Pick<ProcessSource, 'state' | 'problems'>;
  readonly baseline: Baseline | undefined;
  /** Why no event is kept; empty while they are. */
  readonly stopped: string;
  /** When the kernel last lost file events, ms since the epoch. */
  readonly overflowAt: number | undefined;
  /** Reasons of EDR tasks that can't be followed. */
  readonly refusedTasks: readonly string[];
}

/** What the core takes of a state (`shared/sensor.ts`): it ends a sensor that says more. */
const MOST = { mounts: 1_000, noteChars: 300, problems: 32, textChars: 500 } as const;

const NO_EVENTS: Readonly<Record<EventStream, number>> = { fim: 0, edr: 0 };
/** How long an overflow shows, ms. */
const OVERFLOW_SHOWS_MS = 3_600_000;

/** Characters of a path in a text that may have 500. */
const MOST_PATH = 200;

/** The last millisecond of the year 9999: no later one can be written in four digits. */
const LAST_INSTANT = 253_402_300_799_999;

const instant = (ms: number | null | undefined): string | null =>
  typeof ms === 'number' && ms >= 0 && ms <= LAST_INSTANT ? new Date(ms).toISOString() : null;

/** The state as status shows it. Pure. */
export function sensorState(facts: SensorFacts, now: number): SensorState {
  const { baseline, files } = facts;
  const events = baseline?.eventsLastHour ?? NO_EVENTS;
  return {
    fim: facts.fimOn
      ? {
          rules: facts.rules.slice(0, MANIFEST_LIMITS.tasks).map(withinReason),
          mounts: mountsShown(files.mounts),
          actor: files.actors,
          baseline: {
            state: baseline?.state ?? 'none',
            entries: baseline?.entries ?? 0,
            completedAt: instant(baseline?.completedAt),
            nextRescanAt: instant(baseline?.nextRescanAt),
          },
          eventsLastHour: events.fim,
          overflows: files.overflows,
          canarySeenAt: instant(files.canarySeenAt),
        }
      : null,
    edr: facts.edrOn ? { ...facts.processes.state(), eventsLastHour: events.edr } : null,
    problems: problemsOf(facts, now),
    spooled: baseline?.spooled ?? 0,
  };
}

function withinReason(rule: RuleState): RuleState {
  return rule.reason === undefined ? rule : { ...rule, reason: rule.reason.slice(0, MOST.noteChars) };
}

const isWalkedOnly = ({ method }: MountState): boolean => method === 'none' || method === 'rescan only';

/** Whether a part of what the rules name is not heard there. What shows the kernel is no part of it: no disk is behind. */
const isBlind = (mount: MountState): boolean => isWalkedOnly(mount) && !showsKernel(mount.filesystem);

/** Which mount comes first: those in trouble do. */
function rankOf(mount: MountState): number {
  if (isBlind(mount)) return 0;
  if (mount.method === 'file watcher') return 1;
  return isWalkedOnly(mount) ? 3 : 2;
}

/** As many mounts as a state holds, those in trouble first; the last one says how many more there are. */
function mountsShown(mounts: readonly MountState[]): MountState[] {
  const shown = mounts.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, MOST.mounts);
  const more = mounts.length - shown.length;
  return shown.map((mount, at) => {
    const rest = more > 0 && at === shown.length - 1 ? `${more} more mounts are not listed` : undefined;
    const note = [rest, mount.note].filter((part) => part !== undefined).join('; ');
    return note === '' ? mount : { ...mount, note: note.slice(0, MOST.noteChars) };
  });
}

function problemsOf(facts: SensorFacts, now: number): Problem[] {
  const problems: Problem[] = [];
  const add = (code: SensorProblem, text: string | undefined): void => {
    if (text !== undefined && text !== '') problems.push({ code, text: text.slice(0, MOST.textChars) });
  };
  add('SPOOL_STOPPED', facts.stopped);
  if (facts.fimOn) addFim(facts, now, add);
  if (facts.edrOn) {
    for (const { code, text } of facts.processes.problems()) add(code, text);
    if (facts.refusedTasks.length > 0)
      add('EDR_INCOMPLETE', `not followed: ${facts.refusedTasks.join('; ')}`);
  }
  return problems.slice(0, MOST.problems);
}

function addFim(
  { files, rules, baseline, overflowAt }: SensorFacts,
  now: number,
  add: (code: SensorProblem, text: string | undefined) => void,
): void {
  if (files.silent) add('FIM_SILENT', 'the source did not tell of a change that the agent made');
  if (files.provider !== undefined && files.actors === 'unknown') {
    const why = files.noActors ?? files.trouble ?? `${files.provider} does not tell who made a change`;
    add('FIM_NO_ACTOR', why);
  }
  add('FIM_INCOMPLETE', incomplete(files, rules, baseline?.unreadable ?? null));
  // That the rules are walked again is said by the condition: when they were is not known yet.
  if (overflowAt !== undefined && now - overflowAt < OVERFLOW_SHOWS_MS)
    add('FIM_OVERFLOW', `events were lost at ${instant(overflowAt) ?? 'an unknown time'}`);
}

function incomplete(
  files: FileWatchState,
  rules: readonly RuleState[],
  unreadable: Baseline['unreadable'],
): string | undefined {
  if (files.provider === undefined && !files.idle) return files.trouble ?? 'no source of file changes runs';
  const broken = rules.filter(({ state }) => state === 'refused' || state === 'unreadable');
  const blind = files.mounts.filter(isBlind);
  const parts = [
    ...broken.map(({ id, reason }) => `rule ${id}: ${reason ?? 'not watched'}`),
    ...blind.map(({ mount, note }) => `${mount}: ${note ?? 'looked at in walks alone'}`),
    ...(unreadable === null ? [] : [unreadText(unreadable)]),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** The path is cut, so that the reason is not. */
function unreadText({ count, path, reason }: NonNullable<Baseline['unreadable']>): string {
  const named = `${path.slice(0, MOST_PATH)}: ${reason}`;
  if (count === 1) return `one path can't be read, ${named}`;
  return `${count >= MOST_UNREAD ? `${count} paths or more` : `${count} paths`} can't be read, one of them ${named}`;
}
