import type { FimRule } from '../../shared/file-integrity.ts';
import { ToSensor, type FromSensor, type RuleState } from '../../shared/sensor.ts';
import { Debounce, type StartTimer } from '../debounce.ts';
import type { LostChanges } from '../fim/change.ts';
import type { FromLedger } from '../fim/ledger/messages.ts';
import type { Port } from '../port.ts';
import { reasonOf } from '../reasons.ts';
import type { Os } from '../table.ts';
import { ChangeRouter } from './change-router.ts';
import { FileWatch, type FileWatchOptions, type FileWatchState } from './file-watch.ts';
import { parseFimRules, stateOfKey, type RealPath } from './fim-rules.ts';
import { LedgerWatchdog } from './ledger-watchdog.ts';
import type { LedgerEvents, LedgerPort, ProcessSource, ProcessSourceEvents } from './ports.ts';
import { rulePaths, whyNotHeard, type RulePaths } from './rule-paths.ts';
import { sensorState } from './sensor-state.ts';

type Watch = Extract<ToSensor, { kind: 'watch' }>;
type Level = 'error' | 'warn' | 'info' | 'debug';

const ALIVE_MS = 10_000;
/** The state is told this long after a change of it, and at least this often, ms. */
const STATE_QUIET_MS = 500;
const STATE_EVERY_MS = 60_000;

/** What the sensor needs of its process; tests bring their own. */
export interface SensorOptions {
  readonly port: Port<FromSensor>;
  readonly os: Os;
  readonly pid: number;
  readonly now: () => number;
  readonly startTimer: StartTimer;
  readonly rssBytes: () => number;
  readonly openLedger: (events: LedgerEvents) => LedgerPort;
  readonly openProcesses: (events: ProcessSourceEvents) => ProcessSource;
  /** Sources of file changes, the best first; they ask the process source who made a change. */
  readonly fileSources: (processes: ProcessSource) => FileWatchOptions['sources'];
  /** Resolves the paths of rules; the host's own unless a test brings one. */
  readonly realPath?: RealPath;
  readonly canaryPath: string;
  readonly touchCanary: () => void;
  /** The process may end: everything is closed. */
  readonly onEnd: (code: number) => void;
}

/**
 * The sensor: hears of changes of files and processes, has them looked at, and hands the events on until they are in the
 * queue. Sources listen before the first walk begins, so that nothing happens between the two unseen.
 */
export class Sensor {
  readonly #options: SensorOptions;
  readonly #ledger: LedgerPort;
  readonly #processes: ProcessSource;
  readonly #files: FileWatch;
  readonly #router: ChangeRouter;
  readonly #publish: Debounce;
  readonly #watchdog: LedgerWatchdog;
  #watch: Watch | undefined;
  #rules: readonly FimRule[] = [];
  #refused: readonly RuleState[] = [];
  #refusedTasks: readonly string[] = [];
  #baseline: Extract<FromLedger, { kind: 'baseline' }> | undefined;
  /** Rules that the ledger could not follow, by id. */
  #unreadable = new Map<string, string>();
  #stopped = '';
  #overflowAt: number | undefined;
  /** How often more was heard than could be kept until it was looked at. */
  #givenUp = 0;
  /** Changes of what is watched, one after the other. */
  #changing: Promise<void> = Promise.resolve();
  #ending = false;

  constructor(options: SensorOptions) {
    this.#options = options;
    const log = this.#log.bind(this);
    const changed = (): void => this.#publish.event();
    this.#publish = new Debounce({
      quietMs: STATE_QUIET_MS,
      maxMs: STATE_QUIET_MS * 4,
      startTimer: options.startTimer,
      fire: this.#tellState.bind(this),
    });
    this.#ledger = options.openLedger({
      message: this.#heardLedger.bind(this),
      ended: (reason) => {
        // Without it nothing can be kept: the core starts the sensor anew, and the walk finds what changed.
        log('error', `the ledger ended: ${reason}`);
        void this.end(1);
      },
    });
    this.#watchdog = new LedgerWatchdog(() => this.#ledger.post({ kind: 'ping' }), changed);
    this.#processes = options.openProcesses({
      events: (events) => {
        this.#ledger.post({ kind: 'append', events });
      },
      changed,
      log,
    });
    this.#router = new ChangeRouter({
      ...options,
      provider: () => this.#files.provider ?? 'unknown',
      examine: (batch, items) => {
        this.#ledger.post({ kind: 'examine', batch, items });
      },
      lost: (lost) => {
        this.#givenUp += 1;
        this.#lost(lost);
      },
      dropped: (change) => {
        this.#processes.fileChange(change);
      },
    });
    this.#files = new FileWatch({
      ...options,
      sources: options.fileSources(this.#processes),
      changes: (changes) => {
        this.#router.take(changes);
      },
      lost: this.#lost.bind(this),
      changed,
      log,
    });
  }

  /** Says that it is ready, and takes what the core says from now on. */
  async start(): Promise<void> {
    const { port, pid } = this.#options;
    port.onClose(() => void this.end(0));
    port.onMessage((raw) => {
      this.#receive(raw);
    });
    await this.#processes.start();
    port.send({ kind: 'ready', pid });
    this.#every(ALIVE_MS, () => {
      port.send({ kind: 'alive', rssBytes: this.#options.rssBytes() });
      this.#watchdog.passed(ALIVE_MS);
    });
    this.#every(STATE_EVERY_MS, this.#tellState.bind(this));
  }

  /** Closes everything, once; what is not in the queue stays in the spool. */
  async end(code: number): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    try {
      await this.#files.stop();
      await this.#processes.stop();
      await this.#ledger.stop();
    } catch (error) {
      this.#log('warn', `not closed cleanly: ${reasonOf(error)}`);
    }
    this.#options.onEnd(code);
  }

  #every(ms: number, work: () => void): void {
    this.#options.startTimer(ms, () => {
      if (this.#ending) return;
      work();
      this.#every(ms, work);
    });
  }

  #receive(raw: unknown): void {
    const parsed = ToSensor.safeParse(raw);
    if (!parsed.success) {
      this.#log('error', `a message that can't be read: ${parsed.error.issues[0]?.message ?? ''}`);
      return;
    }
    const message = parsed.data;
    if (message.kind === 'stop') void this.end(0);
    else if (message.kind !== 'watch') this.#ledger.post(message);
    else this.#change(message);
  }

  #change(watch: Watch): void {
    this.#changing = this.#changing
      .then(() => this.#follow(watch))
      .catch((error: unknown) => {
        this.#log(
          'error',
          `not watched as asked: ${error instanceof Error ? error.message : reasonOf(error)}`,
        );
      });
  }

  async #follow(watch: Watch): Promise<void> {
    if (this.#ending) return;
    const { os, realPath = rulePaths(os).real } = this.#options;
    const { rules, refused } = parseFimRules(watch.fim?.tasks ?? [], os, realPath);
    this.#watch = watch;
    this.#rules = rules;
    this.#refused = refused;
    this.#refusedTasks = this.#processes.setRules(watch.edr?.tasks ?? null);
    const [files, registry] = [rules.filter(isOfFiles), rules.filter((rule) => !isOfFiles(rule))];
    const heard = this.#router.setRules(files, this.#processes.dropDirectories(), watch.own);
    const { fim, own, sharePct } = watch;
    this.#processes.registry?.setRules(registry, fim?.rescanHours ?? 0);
    await this.#files.setRules(heard, own);
    if (fim === null) this.#ledger.post({ kind: 'rest' });
    else this.#ledger.post({ kind: 'rules', rules: files, own, rescanHours: fim.rescanHours, sharePct });
    this.#tellState();
  }

  #lost(lost: LostChanges): void {
    if (lost.reason === 'overflow') this.#overflowAt = this.#options.now();
    this.#ledger.post({ kind: 'lost', lost });
    this.#publish.event();
  }

  #heardLedger(message: FromLedger): void {
    switch (message.kind) {
      case 'events':
        this.#options.port.send({ ...message, events: [...message.events] });
        return;
      case 'examined':
        this.#router.examined();
        return;
      case 'baseline':
        this.#baseline = message;
        break;
      case 'rules':
        this.#unreadable = new Map(message.troubles.map(({ id, reason }) => [id, reason]));
        break;
      case 'pong':
        this.#watchdog.answered();
        return;
      case 'stopped':
        this.#stopped = message.text;
        break;
      case 'log':
        this.#log(message.level, message.message);
        return;
    }
    this.#publish.event();
  }

  #tellState(): void {
    if (this.#ending) return;
    const { port, now, os } = this.#options;
    const files = this.#files.state();
    const paths = rulePaths(os);
    const facts = {
      fimOn: (this.#watch?.fim ?? null) !== null,
      edrOn: (this.#watch?.edr ?? null) !== null,
      rules: [...this.#refused, ...this.#rules.map((rule) => this.#ruleState(rule, paths, files))],
      files: { ...files, overflows: files.overflows + this.#givenUp },
      processes: this.#processes,
      baseline: this.#baseline,
      stopped: this.#stopped === '' ? this.#watchdog.trouble : this.#stopped,
      overflowAt: this.#overflowAt,
      refusedTasks: this.#refusedTasks,
    };
    port.send({ kind: 'state', state: sensorState(facts, now()) });
  }

  /** A rule counts as watched while it can be read and its changes are heard. */
  #ruleState(rule: FimRule, paths: RulePaths, files: FileWatchState): RuleState {
    if (!isOfFiles(rule)) return stateOfKey(rule, this.#processes.registry);
    const state = paths.stateOf(rule);
    if (state.state !== 'watching') return state;
    const reason = this.#unreadable.get(rule.id) ?? whyNotHeard(rule.path, files, this.#options.os);
    return reason === undefined ? state : { ...state, state: 'unreadable', reason };
  }

  #log(level: Level, message: string): void {
    this.#options.port.send({ kind: 'log', level, message: message.slice(0, 2_000) });
  }
}

const isOfFiles = ({ kind }: FimRule): boolean => kind !== 'registry';
