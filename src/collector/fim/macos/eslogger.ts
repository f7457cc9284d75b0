import type { StartTimer } from '../../debounce.ts';
import type { LostChanges, RawChange } from '../change.ts';
import { isWithin } from '../ledger/host-path.ts';
import type { RuleSet } from '../rule-set.ts';
import { EsActors } from './actors.ts';
import { BoundedLines } from './bounded-lines.ts';
import { readMessage, type EsProcessSaid, type EsSaid } from './es-events.ts';
import {
  ES_EVENTS,
  isIdle,
  MAX_LINE_BYTES,
  parseEsLine,
  sequenceOf,
  type EsEventName,
} from './es-message.ts';
import { esloggerAt, type EsRun, type StartEslogger } from './es-process.ts';

/** Pauses before it is started again after it ended, ms; the last one stays. A run this long begins them anew. */
const PAUSES_MS = [1_000, 5_000, 30_000, 300_000];
const WELL_MS = 60_000;
/** A run that says nothing for so long, ms, is none: on a Mac that runs processes start and end all the time. */
const SILENT_MS = 60_000;

const PROCESS_EVENTS: readonly EsEventName[] = ['exec', 'fork', 'exit'];

export interface EsLoggerOptions {
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** The account name of a uid. */
  readonly nameOf: (uid: number) => string | undefined;
  readonly changes: (changes: readonly RawChange[]) => void;
  /** Messages about files that were left out; what happens while it does not run is for `failed` to tell. */
  readonly lost: (lost: LostChanges) => void;
  /** A process started or ended. */
  readonly process: (said: EsProcessSaid) => void;
  /** Messages that may have been of processes were missed: `count` where it is known, of all kinds together. */
  readonly missed: (reason: string, count?: number) => void;
  /** Why nothing is heard, with what to do about it; empty once messages come again. */
  readonly failed: (text: string) => void;
  readonly start?: StartEslogger;
}

/** What is wanted of it: files, processes, or both. */
export interface EsWanted {
  readonly files: RuleSet | undefined;
  readonly processes: boolean;
}

/**
 * The source of changes and of process events with actors on macOS: eslogger(1), which needs root and Full Disk Access
 * (R208). It hears the whole system; what no rule names is dropped at once. One process of it serves all; whoever wants
 * something of it, it is not started sooner than its pauses say.
 */
export class EsLogger {
  readonly #options: EsLoggerOptions;
  readonly #actors: EsActors;
  readonly #start: StartEslogger;
  #wanted: EsWanted = { files: undefined, processes: false };
  #run: EsRun | undefined;
  #cancelRestart: (() => void) | undefined;
  #cancelSilence: (() => void) | undefined;
  #startedAt = 0;
  /** Not before this it is started again, ms since the epoch. */
  #pausesUntil = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #sequence: number | undefined;
  #heard = false;
  /** Which run is the current one: what earlier ones still say is not heard. */
  #generation = 0;
  /** Why process events are missed until the next message comes. */
  #gap: string | undefined;
  #unknown = 0;

  constructor(options: EsLoggerOptions) {
    this.#options = options;
    this.#actors = new EsActors(options.nameOf);
    this.#start = options.start ?? esloggerAt();
  }

  /** Lines that were no message of a known form, since the start. */
  get unknown(): number {
    return this.#unknown;
  }

  /** Whether messages come of what is wanted now. */
  get hears(): boolean {
    return this.#heard;
  }

  /** How long it is until it is started again, ms; 0 where it runs, or is not wanted. */
  get pauseLeft(): number {
    return this.#cancelRestart === undefined ? 0 : Math.max(0, this.#pausesUntil - this.#options.now());
  }

  /** What to listen for from now on. Starts it, or ends it where nothing is wanted. */
  want(wanted: EsWanted): void {
    const before = this.#wanted;
    const names = namesFor(wanted);
    this.#wanted = wanted;
    const isSame = names.join() === namesFor(before).join();
    if (isSame && (this.#run ?? this.#cancelRestart) !== undefined) return;
    if (this.#heard && before.processes && wanted.processes)
      this.#gap = 'eslogger was started again for other events';
    this.stop();
    if (names.length > 0) this.#startAfter(this.#pausesUntil - this.#options.now());
  }

  stop(): void {
    this.#cancelRestart?.();
    this.#cancelRestart = undefined;
    this.#run?.end();
    this.#over();
  }

  #over(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = undefined;
    this.#generation += 1;
    this.#run = undefined;
    this.#heard = false;
  }

  #startAfter(ms: number): void {
    if (ms <= 0) {
      this.#list();
      return;
    }
    this.#cancelRestart = this.#options.startTimer(ms, () => {
      this.#cancelRestart = undefined;
      this.#list();
    });
  }

  /** Asks which events this release knows: an unknown name would make it refuse all of them. */
  #list(): void {
    let printed = '';
    this.#startedAt = this.#options.now();
    this.#cancelSilence = this.#options.startTimer(SILENT_MS, () => {
      this.#run?.end();
      this.#failed('eslogger runs and says nothing');
    });
    this.#run = this.#start(['--list-events'], {
      output: (chunk) => {
        printed = (printed + chunk.toString('utf8')).slice(0, 65_536);
      },
      ended: (errors) => {
        const known = new Set(printed.split(/\s+/));
        const names = namesFor(this.#wanted).filter((name) => known.has(name));
        if (names.length === 0) this.#ended(errors);
        else this.#listen(names);
      },
    });
  }

  #listen(names: readonly EsEventName[]): void {
    this.#sequence = undefined;
    const generation = this.#generation;
    const ifCurrent =
      <T extends unknown[]>(call: (...told: T) => void) =>
      (...told: T): void => {
        if (generation === this.#generation) call(...told);
      };
    const lines = new BoundedLines(
      MAX_LINE_BYTES,
      ifCurrent((line: Buffer) => {
        this.#line(line);
      }),
      ifCurrent(() => {
        this.#tooLong();
      }),
    );
    this.#run = this.#start(['--format', 'json', ...names], {
      output: (chunk) => {
        lines.add(chunk);
      },
      ended: ifCurrent((errors: string) => {
        this.#ended(errors);
      }),
    });
  }

  #ended(errors: string): void {
    this.#failed(nextStep(errors));
  }

  #failed(text: string): void {
    const { now, failed } = this.#options;
    const hadHeard = this.#heard;
    this.#over();
    const wasWell = hadHeard && now() - this.#startedAt >= WELL_MS;
    this.#failures = wasWell ? 0 : this.#failures;
    const pause = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.#pausesUntil = now() + pause;
    this.#startAfter(pause);
    if (hadHeard) {
      this.#gap = 'eslogger was started again';
      if (this.#wanted.processes) this.#options.missed('eslogger ended');
    }
    failed(text);
  }

  #line(line: Buffer): void {
    this.#count(line);
    if (isIdle(line)) return;
    const message = parseEsLine(line.toString('utf8'));
    if (message === undefined) this.#unknown += 1;
    else this.#tell(readMessage(message, this.#actors));
  }

  /** Counts the messages that were left out. The first line that comes shows that it works. */
  #count(line: Buffer): void {
    const sequence = sequenceOf(line);
    if (sequence === undefined) return;
    if (!this.#heard) this.#hearsNow();
    const missing = this.#sequence === undefined ? 0 : sequence - this.#sequence - 1;
    this.#sequence = sequence;
    if (missing > 0) this.#lose('overflow', missing, 'Endpoint Security dropped messages');
  }

  #hearsNow(): void {
    const gap = this.#gap;
    this.#heard = true;
    this.#gap = undefined;
    this.#cancelSilence?.();
    this.#options.failed('');
    if (gap !== undefined && this.#wanted.processes) this.#options.missed(gap);
  }

  /** What it said is not known; that it was a message is. */
  #tooLong(): void {
    if (this.#sequence !== undefined) this.#sequence += 1;
    this.#lose('error', 1, 'a message was too long');
  }

  #tell({ changes, process, cut = [] }: EsSaid): void {
    const { files, processes } = this.#wanted;
    const named = changes.filter((change) => wants(files, change));
    if (named.length > 0) this.#options.changes(named);
    if (cut.length > 0) this.#lostAt(cut);
    if (process !== undefined && processes) this.#options.process(process);
  }

  /** What rules name of what lies at cut paths is walked again. */
  #lostAt(cut: readonly string[]): void {
    const roots = this.#wanted.files?.roots() ?? [];
    const below = roots.filter((root) => cut.some((path) => isWithin(root, path, 'darwin')));
    if (below.length > 0) this.#options.lost({ reason: 'error', below });
  }

  #lose(reason: LostChanges['reason'], count: number, text: string): void {
    if (this.#wanted.files !== undefined) this.#options.lost({ reason, below: [], count });
    if (this.#wanted.processes) this.#options.missed(text, count);
  }
}

/** A directory on the way to what a rule names counts too: what the rule names comes and goes with it. */
function wants(files: RuleSet | undefined, { path, directory }: RawChange): boolean {
  if (files === undefined) return false;
  if (files.isCanary(path) || files.rulesFor(path, directory).length > 0) return true;
  return directory && files.entersDirectory(path);
}

/** The events to ask for; those of processes also where only files are wanted, for their command lines. */
function namesFor({ files, processes }: EsWanted): readonly EsEventName[] {
  if (files !== undefined) return ES_EVENTS;
  return processes ? PROCESS_EVENTS : [];
}

const FULL_DISK_ACCESS =
  'eslogger was refused: allow Full Disk Access for the agent in System Settings, Privacy & Security';

/** What eslogger says in the words of Endpoint Security (es_new_client_result_t), as what to do. */
function nextStep(errors: string): string {
  if (/TCC|NOT_PERMITTED|not permitted|full disk/i.test(errors)) return FULL_DISK_ACCESS;
  if (/NOT_PRIVILEGED|not privileged|super-?user|must be run as root/i.test(errors))
    return 'eslogger was refused: the agent has to run as root';
  if (errors.includes('ENOENT')) return 'eslogger is not there: it comes with macOS 13';
  if (errors === '') return `${FULL_DISK_ACCESS}. It ended without a reason`;
  // eslint-disable-next-line no-control-regex -- what a program prints must not reach a terminal as it is
  return `eslogger ended: ${errors.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 300)}`;
}
