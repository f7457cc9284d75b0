import type { EventProcess } from '../../shared/host-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { ImageHash, ImageHashes } from './image-hash.ts';
import type { Waiting } from './outbox.ts';
import type { ImageFile } from './read-process.ts';
import { edrRecord } from './record.ts';
import type { ReportedProcess } from './reported.ts';
import { processRule, type EdrRule, type ProcessRule } from './rules.ts';

/** Characters that a record takes beside its command line. */
const RECORD_TEXT = 1_024;

export interface ReportedStartsOptions {
  /** A monotonic clock, ms. */
  readonly now: () => number;
  readonly newId: () => string;
  readonly hashes: Pick<ImageHashes, 'of'>;
  readonly add: (waiting: Waiting) => void;
}

/** Turns starts and ends that the system reports whole into records of the rules that want them, with the hash of the image (R201). */
export class ReportedStarts {
  readonly #options: ReportedStartsOptions;
  #rules: readonly ProcessRule[] = [];

  constructor(options: ReportedStartsOptions) {
    this.#options = options;
  }

  setRules(rules: readonly EdrRule<'process_events'>[]): void {
    this.#rules = rules.map(processRule);
  }

  /** `image` gives the file of what was started, for its hash; `undefined` where it is there no more. */
  heard(reported: ReportedProcess, image: () => ImageFile | undefined): void {
    const { executable, user } = reported;
    // What the system itself reports is the path here.
    const program = { path: executable, isPlaced: true };
    const rule = this.#rules.find(({ wants }) => wants(program, user))?.rule;
    if (rule === undefined) return;
    const hash = rule.hash && reported.action === 'process_started' ? this.#hash(reported, image()) : NONE;
    this.#options.add({
      at: this.#options.now(),
      text: RECORD_TEXT + (reported.process.command_line?.length ?? 0),
      isReady: () => hash()?.state !== 'waiting',
      write: () => this.#record(reported, rule, hash()),
    });
  }

  /** Asks for the hash at once, and gives what came of it whenever it is called. */
  #hash({ executable, process }: ReportedProcess, file: ImageFile | undefined): () => ImageHash | undefined {
    if (file === undefined) return () => GONE;
    const ask = (): ImageHash => this.#options.hashes.of(process.pid, executable, file);
    ask();
    return ask;
  }

  #record(
    { at, action, provider, process, user, loginUser }: ReportedProcess,
    rule: EdrRule<'process_events'>,
    hash: ImageHash | undefined,
  ): UnsealedEdrEvent {
    return edrRecord({
      id: this.#options.newId(),
      at,
      action,
      provider,
      severity: rule.severity,
      rule: rule.id,
      process: hashed(process, hash),
      user,
      login_user: loginUser,
      reason: whyNot(hash),
    });
  }
}

const NONE = (): undefined => undefined;
const GONE: ImageHash = { state: 'none', reason: 'the image was gone or replaced before it could be hashed' };

const hashed = (process: EventProcess, hash: ImageHash | undefined): EventProcess =>
  hash?.state === 'known' ? { ...process, hash: { sha256: hash.sha256 } } : process;

function whyNot(hash: ImageHash | undefined): string | undefined {
  if (hash?.state === 'waiting') return 'the hash of the image took too long';
  return hash?.state === 'none' ? hash.reason : undefined;
}
