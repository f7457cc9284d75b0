import type { StartTimer } from '../../debounce.ts';
import { eventsLost, type ProcessRules } from '../../edr/reported.ts';
import type { UnsealedEdrEvent } from '../../../wire/event-chain.ts';
import type { LostChanges, RawChange } from '../change.ts';
import type { RuleSet } from '../rule-set.ts';
import { EsActors } from './actors.ts';
import { BoundedLines } from './bounded-lines.ts';
import { readMessage, type EsSaid } from './es-events.ts';
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

const PROCESS_EVENTS: readonly EsEventName[] = ['exec', 'fork', 'exit'];

export interface EsLoggerOptions {
  readonly now: () => number;
  readonly startTimer: StartTimer;
  readonly uuid: () => string;
  /** The account name of a uid. */
  readonly nameOf: (uid: number) => string | undefined;
  readonly changes: (changes: readonly RawChange[]) => void;
  readonly lost: (lost: LostChanges) => void;
  readonly events: (events: readonly UnsealedEdrEvent[]) => void;
  /** Why nothing is heard, with what to do about it; empty once messages come again. */
  readonly failed: (text: string) => void;
  readonly start?: StartEslogger;
}

/** What is wanted of it: files, processes, or both. */
export interface EsWanted {
  readonly files: RuleSet | undefined;
  readonly processes: ProcessRules | undefined;
}

/**
 * The source of changes and of process events with actors on macOS: eslogger(1), which needs root and Full Disk Access
 * (R208). It hears the whole system; what no rule names is dropped at once.
 */
export class EsLogger {
  readonly #options: EsLoggerOptions;
  readonly #actors: EsActors;
  readonly #start: StartEslogger;
  #wanted: EsWanted = { files: undefined, processes: undefined };
  #run: EsRun | undefined;
  #cancelRestart: (() => void) | undefined;
  #startedAt = 0;
  #failures = 0;
  #sequence: number | undefined;
  #heard = false;
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

  /** What to listen for from now on. Starts it, or ends it where nothing is wanted. */
  want(wanted: EsWanted): void {
    const before = namesFor(this.#wanted).join();
    this.#wanted = wanted;
    if (namesFor(wanted).join() === before && (this.#run ?? this.#cancelRestart) !== undefined) return;
    this.stop();
    if (namesFor(wanted).length > 0) this.#list();
  }

  stop(): void {
    this.#cancelRestart?.();
    this.#cancelRestart = undefined;
    this.#run?.end();
    this.#run = undefined;
  }

  /** Asks which events this release knows: an unknown name would make it refuse all of them. */
  #list(): void {
    let printed = '';
    this.#startedAt = this.#options.now();
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
    this.#heard = false;
    const lines = new BoundedLines(
      MAX_LINE_BYTES,
      (line) => {
        this.#line(line);
      },
      () => {
        this.#tooLong();
      },
    );
    this.#run = this.#start(['--format', 'json', ...names], {
      output: (chunk) => {
        lines.add(chunk);
      },
      ended: (errors) => {
        this.#ended(errors);
      },
    });
  }

  #ended(errors: string): void {
    this.#run = undefined;
    const ran = this.#options.now() - this.#startedAt;
    this.#failures = ran >= WELL_MS ? 0 : this.#failures;
    const pause = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.#options.failed(nextStep(errors));
    if (this.#heard) this.#lose('restart', undefined, 'eslogger ended');
    this.#cancelRestart = this.#options.startTimer(pause, () => {
      this.#cancelRestart = undefined;
      this.#list();
    });
  }

  #line(line: Buffer): void {
    this.#count(line);
    if (isIdle(line)) return;
    const message = parseEsLine(line.toString('utf8'));
    if (message === undefined) this.#unknown += 1;
    else this.#tell(readMessage(message, this.#actors));
  }

  /** Counts the messages that were left out. The first line that comes shows that it works, and what was missed before. */
  #count(line: Buffer): void {
    const sequence = sequenceOf(line);
    if (sequence === undefined) return;
    if (!this.#heard) {
      this.#heard = true;
      this.#options.failed('');
      if (this.#failures > 0) this.#lose('restart', undefined, 'eslogger was started again');
    }
    const missing = this.#sequence === undefined ? 0 : sequence - this.#sequence - 1;
    this.#sequence = sequence;
    if (missing > 0) this.#lose('overflow', missing, 'Endpoint Security dropped messages');
  }

  /** What it said is not known; that it was a message is. */
  #tooLong(): void {
    if (this.#sequence !== undefined) this.#sequence += 1;
    this.#lose('error', 1, 'a message was too long');
  }

  #tell({ changes, process, cut }: EsSaid): void {
    const { files, processes } = this.#wanted;
    const named = changes.filter(({ path, directory }) => wants(files, path, directory));
    if (named.length > 0) this.#options.changes(named);
    const roots = cut === undefined ? [] : (files?.roots() ?? []).filter((root) => cut.startsWith(root));
    if (roots.length > 0) this.#options.lost({ reason: 'error', below: roots });
    const event = process === undefined ? undefined : processes?.event(process);
    if (event !== undefined) this.#options.events([event]);
  }

  #lose(reason: LostChanges['reason'], count: number | undefined, text: string): void {
    const { now, uuid, lost, events } = this.#options;
    if (this.#wanted.files !== undefined)
      lost({ reason, below: [], ...(count === undefined ? {} : { count }) });
    if (this.#wanted.processes !== undefined)
      events([eventsLost({ at: now(), provider: 'eslogger', reason: text, count }, uuid)]);
  }
}

function wants(files: RuleSet | undefined, path: string, directory: boolean): boolean {
  return files !== undefined && files.rulesFor(path, directory).length > 0;
}

/** The events to ask for; those of processes also where only files are wanted, for their command lines. */
function namesFor({ files, processes }: EsWanted): readonly EsEventName[] {
  if (files !== undefined) return ES_EVENTS;
  return processes === undefined ? [] : PROCESS_EVENTS;
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
