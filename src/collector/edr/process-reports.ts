import type { EventProcess } from '../../shared/host-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { Attributions } from './attribution.ts';
import { exitCode } from './exit-code.ts';
import type { ImageHash, ImageHashes } from './image-hash.ts';
import type { Waiting } from './outbox.ts';
import { lastSpan, type ProcessEntry, type Span, type Uids } from './process-entry.ts';
import type { ProcessTable } from './process-table.ts';
import { edrRecord } from './record.ts';
import { processRule, type EdrRule, type ProcessRule } from './rules.ts';
import type { Users } from './users.ts';

/** Characters that a record takes beside its command line. */
const RECORD_TEXT = 1_024;

export interface ReportOptions {
  readonly table: ProcessTable;
  readonly attributions: Attributions;
  readonly users: Users;
  /** Without one, no image is hashed. */
  readonly hashes: ImageHashes | undefined;
  readonly add: (waiting: Waiting) => void;
  readonly newId: () => string;
  readonly provider: () => string;
}

/** One thing that happened to a process. */
interface Happening {
  readonly entry: ProcessEntry;
  readonly span: Span;
  readonly at: number;
}

/** Turns what happens to processes into records of the rules that want them (R201). */
export class ProcessReports {
  readonly #options: ReportOptions;
  #rules: readonly ProcessRule[] = [];

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  setRules(rules: readonly EdrRule<'process_events'>[]): void {
    this.#rules = rules.map(processRule);
  }

  /** A program was started. It is asked for its hash at once: the process may be gone when the record leaves. */
  started(entry: ProcessEntry, at: number, how?: string): void {
    const happening = { entry, span: lastSpan(entry), at };
    if (this.#ruleFor(happening) === undefined) return;
    this.#hash(happening);
    this.#wait(
      happening,
      () => this.#hash(happening)?.state !== 'waiting',
      (rule) => {
        const hash = rule.hash ? this.#hash(happening) : undefined;
        const process = this.#process(happening);
        const isKnown = hash?.state === 'known';
        return this.#record('process_started', happening, rule, {
          process: isKnown ? { ...process, hash: { sha256: hash.sha256 } } : process,
          reason: reasonOf(happening, hash, how),
        });
      },
    );
  }

  /** A process ended that had run a program of its own. */
  ended(entry: ProcessEntry, at: number, status?: number): void {
    if (!entry.executed) return;
    const happening = { entry, span: lastSpan(entry), at };
    this.#wait(
      happening,
      () => true,
      (rule) => {
        const process = this.#process(happening);
        return this.#record('process_ended', happening, rule, {
          process: status === undefined ? process : { ...process, exit_code: exitCode(status) },
          reason: status === undefined ? 'how it ended is not known' : undefined,
        });
      },
    );
  }

  userChanged(entry: ProcessEntry, before: Uids, at: number): void {
    const happening = { entry, span: lastSpan(entry), at };
    const { id, name } = this.#options.users.user(before.effective);
    this.#wait(
      happening,
      () => true,
      (rule) =>
        this.#record('user_changed', happening, rule, {
          process: this.#process(happening),
          reason: `was user ${id}${name === undefined ? '' : ` (${name})`}`,
        }),
    );
  }

  /** Whether a rule wants it is asked again when it leaves: what is known by then counts. */
  #wait(
    happening: Happening,
    isReady: () => boolean,
    write: (rule: EdrRule<'process_events'>) => UnsealedEdrEvent,
  ): void {
    if (this.#ruleFor(happening) === undefined) return;
    this.#options.add({
      at: this.#options.table.clock.monotonic(),
      text: RECORD_TEXT,
      isReady,
      write: () => {
        const rule = this.#ruleFor(happening);
        return rule === undefined ? undefined : write(rule);
      },
    });
  }

  #ruleFor({ span }: Happening): EdrRule<'process_events'> | undefined {
    if (this.#rules.length === 0) return undefined;
    const user = span.uid === undefined ? undefined : this.#options.users.user(span.uid.effective);
    return this.#rules.find(({ wants }) => wants(span.image.program, user))?.rule;
  }

  #hash({ entry, span }: Happening): ImageHash | undefined {
    const { program } = span.image;
    if (program?.file === undefined) return undefined;
    return this.#options.hashes?.of(entry.pid, program.path, program.file);
  }

  #process({ entry, span }: Happening): EventProcess {
    return this.#options.attributions.process(entry, span.image.program);
  }

  #record(
    action: 'process_started' | 'process_ended' | 'user_changed',
    { entry, span, at }: Happening,
    rule: EdrRule<'process_events'>,
    more: { readonly process: EventProcess; readonly reason: string | undefined },
  ): UnsealedEdrEvent {
    return edrRecord({
      id: this.#options.newId(),
      at: this.#options.table.clock.wallAt(at),
      action,
      provider: this.#options.provider(),
      severity: rule.severity,
      rule: rule.id,
      ...this.#options.attributions.users(entry, span),
      ...more,
    });
  }
}

/** Why something of a start is missing, and how it came to be known. */
function reasonOf(
  { span }: Happening,
  hash: ImageHash | undefined,
  how: string | undefined,
): string | undefined {
  const reasons = [
    how,
    span.image.program === undefined ? span.image.why : undefined,
    hash?.state === 'none' ? hash.reason : undefined,
    hash?.state === 'waiting' ? 'the hash of the image took too long' : undefined,
  ].filter((reason) => reason !== undefined);
  return reasons.length === 0 ? undefined : reasons.join('; ');
}
