import type { Task } from '../../shared/manifest.ts';
import { EDR_RULES } from '../../shared/process-events.ts';
import type { SensorProblem } from '../../shared/sensor.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { StartTimer } from '../debounce.ts';
import type { Attribution, RawChange } from '../fim/change.ts';
import { unknownActor } from '../fim/unknown-actor.ts';
import type { Audited, RegistryChange } from '../fim/windows/audit-events.ts';
import { howToAudit, type AuditKind } from '../fim/windows/audit-policy.ts';
import type { SecurityLog } from '../fim/windows/security-log.ts';
import { DroppedPrograms, type DroppedProgramsOptions } from './dropped-programs.ts';
import { OwnCommands, WINDOWS_COMMANDS } from './own-commands.ts';
import { registryEvent, type RegistryRule } from './registry-rules.ts';
import { edrRecord } from './record.ts';
import { ProcessRules, type ReportedProcess } from './reported.ts';
import { edrRules } from './rules.ts';
import { RunningProcesses } from './running-processes.ts';
import { StartupReports, type StartupReportsOptions } from './startup-reports.ts';
import { WINDOWS_STARTUP } from './startup-windows.ts';
import { ToldLosses } from './told-losses.ts';
import type { WindowsCalls } from './windows/calls.ts';
import { WindowsSides } from './windows/sides.ts';

const PROVIDER = 'security log';
const NOBODY = unknownActor('the change journal does not tell who made a change');

export interface AuditedProcessesOptions {
  readonly log: Pick<SecurityLog, 'policy' | 'trouble' | 'listen' | 'follow'>;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Ids of records, UUIDs. */
  readonly newId: () => string;
  /** The sensor's own pid: the commands by which it reads the log are no events. */
  readonly pid: number;
  /** Until when the run before followed processes, ms since the epoch; `undefined` where it did not, or long ago. */
  readonly followedUntil: number | undefined;
  readonly events: (events: readonly UnsealedEdrEvent[]) => void;
  /** A look at a program that appeared. */
  readonly look: DroppedProgramsOptions['look'];
  /** What is asked for what no log tells of. */
  readonly calls: WindowsCalls;
  readonly startTimer: StartTimer;
  /** How looks at what starts programs later are made. */
  readonly startup: Omit<StartupReportsOptions, 'host' | 'startTimer' | 'report'>;
}

/**
 * Process events of Windows (R201) from the Security log: starts and ends (4688, 4689), values of the registry (4657).
 */
export class AuditedProcesses {
  readonly #options: AuditedProcessesOptions;
  readonly #own: OwnCommands;
  readonly #running = new RunningProcesses();
  readonly #drops: DroppedPrograms;
  readonly #sides: WindowsSides;
  readonly #startup: StartupReports;
  #processes: ProcessRules | undefined;
  #values: readonly RegistryRule[] = [];
  /** Whether rules of file integrity on values of the registry have the log read. */
  #isIntegrityOn = false;
  #refused: readonly string[] = [];
  /** What happened before is not told. */
  #since = Number.POSITIVE_INFINITY;
  #resume: number | undefined;
  readonly #losses: ToldLosses;

  constructor(options: AuditedProcessesOptions) {
    this.#options = options;
    this.#own = new OwnCommands(options.pid, WINDOWS_COMMANDS);
    this.#resume = options.followedUntil;
    this.#losses = new ToldLosses({
      ...options,
      provider: PROVIDER,
      isWanted: () =>
        this.#processes !== undefined ||
        this.#values.length > 0 ||
        this.#drops.directories().length > 0 ||
        this.#sides.isOn,
    });
    this.#drops = new DroppedPrograms({
      ...options,
      events: (events) => {
        this.#tell(events);
      },
      lost: (count) => {
        this.#losses.add('more programs appeared than could be looked at', count);
      },
    });
    this.#sides = new WindowsSides({
      ...options,
      known: (pid) => this.#running.of(pid),
      lost: (reason, count) => {
        this.#losses.add(reason, count);
      },
    });
    this.#startup = new StartupReports({
      ...options.startup,
      host: WINDOWS_STARTUP,
      startTimer: options.startTimer,
      report: (parts) => {
        this.#tell([edrRecord({ ...parts, id: options.newId(), at: options.now() })]);
      },
    });
    options.log.listen({
      audited: (audited) => {
        this.#heard(audited);
      },
      lost: (reason, count) => {
        this.#losses.add(reason, count);
      },
    });
  }

  /** Whether starts and ends are told now. */
  get follows(): boolean {
    return this.#processes !== undefined;
  }

  /** The tasks of the EDR manifest, or `null` where the module is off. Returns the reasons of tasks that can't be followed. */
  setRules(tasks: readonly Task[] | null): readonly string[] {
    const rules = edrRules(tasks ?? []);
    const values = registryRules(tasks ?? []);
    this.#processes =
      rules.process.length === 0 ? undefined : new ProcessRules(rules.process, 'win32', this.#options.newId);
    this.#values = values.rules;
    this.#drops.setRules(rules.dropped);
    this.#sides.setRules(rules);
    this.#startup.setRules(rules.startup);
    this.#refused = [...rules.refused, ...values.refused].map(({ id, reason }) => `${id}: ${reason}`);
    if (tasks === null) this.#since = Number.POSITIVE_INFINITY;
    // A run that follows at once on one that followed processes goes on where that ended: a kill hides nothing.
    else if (this.#since === Number.POSITIVE_INFINITY) this.#since = this.#resume ?? this.#options.now();
    this.#resume = undefined;
    this.#follow();
    return this.#refused;
  }

  /** Whether there are rules of file integrity on values of the registry: they need the same log. */
  followValues(isIntegrityOn: boolean): void {
    this.#isIntegrityOn = isIntegrityOn;
    this.#follow();
  }

  /** No source of changes asks: who made one stands in the log. */
  readonly attribute = (): Attribution => NOBODY;

  /** The folders of which changes are to be told to `fileChange`. */
  dropDirectories(): readonly string[] {
    return this.#drops.directories();
  }

  /** A file changed. What happened before the module was on, and stands in a journal, is not told. */
  fileChange(change: RawChange): void {
    if (change.late !== true || change.at >= this.#since) this.#drops.changed(change);
  }

  /** Tells what was lost and not told yet. */
  stop(): void {
    this.#drops.stop();
    this.#sides.stop();
    this.#startup.stop();
    this.#losses.tell();
  }

  state(): { readonly method: 'security log'; readonly lost: number } {
    return { method: PROVIDER, lost: this.#losses.total };
  }

  problems(): { readonly code: SensorProblem; readonly text: string }[] {
    const { policy, trouble } = this.#options.log;
    const missing: AuditKind[] = [];
    if (policy !== undefined && this.#processes !== undefined) {
      if (!policy.starts) missing.push('starts');
      if (!policy.ends) missing.push('ends');
    }
    if (policy?.registry === false && this.#values.length > 0) missing.push('registry');
    const problems: { code: SensorProblem; text: string }[] = [
      ...this.#sides.problems(),
      ...this.#startup.problems(),
    ];
    if (missing.length > 0) {
      problems.push({ code: 'EDR_INCOMPLETE', text: `not audited on this host: ${howToAudit(missing)}` });
    }
    const asks = this.#processes !== undefined || this.#values.length > 0;
    if (asks && trouble !== undefined) problems.push({ code: 'EDR_INCOMPLETE', text: trouble });
    const lost = this.#losses.total;
    if (lost > 0) {
      problems.push({
        code: 'EDR_LOST',
        text: `${lost} process events or records of the Security log were lost`,
      });
    }
    return problems;
  }

  /** Reads the log steadily while it can have something that a rule asks for. */
  #follow(): void {
    this.#options.log.follow(this.#processes !== undefined || this.#values.length > 0 || this.#isIntegrityOn);
  }

  #heard(audited: readonly Audited[]): void {
    const events: UnsealedEdrEvent[] = [];
    for (const one of audited) {
      if (one.kind === 'registry') events.push(...this.#valueEvents(one));
      else if (one.kind === 'process') events.push(...this.#processEvents(one.reported));
    }
    this.#tell(events);
  }

  #tell(events: readonly UnsealedEdrEvent[]): void {
    if (events.length > 0) this.#options.events(events);
  }

  #processEvents(said: ReportedProcess): UnsealedEdrEvent[] {
    const isOwn = this.#own.isOwn(said);
    const reported = this.#running.complete(said);
    if (isOwn || said.at < this.#since) return [];
    if (said.action === 'process_started') this.#sides.started();
    const event = this.#processes?.event(reported);
    return event === undefined ? [] : [event];
  }

  #valueEvents(change: RegistryChange): UnsealedEdrEvent[] {
    if (change.at < this.#since) return [];
    const event = registryEvent(change, this.#values, this.#options.newId);
    return event === undefined ? [] : [event];
  }
}

function registryRules(tasks: readonly Task[]): {
  readonly rules: readonly RegistryRule[];
  readonly refused: readonly { readonly id: string; readonly reason: string }[];
} {
  const rules: RegistryRule[] = [];
  const refused: { id: string; reason: string }[] = [];
  for (const { id, table, params } of tasks) {
    if (table !== 'registry_events') continue;
    const parsed = EDR_RULES.registry_events.safeParse(params);
    if (parsed.success) rules.push({ ...parsed.data, id });
    else refused.push({ id, reason: `parameters refused: ${parsed.error.issues[0]?.message ?? 'invalid'}` });
  }
  return { rules, refused };
}
