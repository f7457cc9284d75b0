import { FimRuleParams, type FimRule } from '../../shared/file-integrity.ts';
import { Coalescer, type CoalescerOptions } from '../fim/coalescer.ts';
import { CHANGE, type RawChange } from '../fim/change.ts';
import { RuleSet } from '../fim/rule-set.ts';

export interface RouterOptions extends CoalescerOptions {
  /** A change below a directory in which new executables are of interest. */
  readonly dropped: (change: RawChange) => void;
}

/** Sends what a source heard to where it is of interest: files under rules to be looked at, the others to the process events. */
export class ChangeRouter {
  readonly #options: RouterOptions;
  readonly #coalescer: Coalescer;
  #files: RuleSet | undefined;
  #drops: RuleSet | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#coalescer = new Coalescer(options);
  }

  /**
   * Other rules from now on. Returns all that a source has to listen for. What waits is looked at all the same: the ledger walks
   * only what the rules cover anew, and passes over what they cover no more.
   */
  setRules(files: readonly FimRule[], dropDirectories: readonly string[], own: readonly string[]): FimRule[] {
    const drops = dropDirectories.map(dropRule);
    const { os } = this.#options;
    this.#files = files.length === 0 ? undefined : new RuleSet(files, own, os);
    this.#drops = drops.length === 0 ? undefined : new RuleSet(drops, own, os);
    return [...files, ...drops];
  }

  take(changes: readonly RawChange[]): void {
    const files = this.#files;
    const drops = this.#drops;
    if (drops !== undefined) {
      for (const change of changes) {
        if (drops.rulesFor(change.path, change.directory).length > 0) this.#options.dropped(change);
      }
    }
    if (files !== undefined) this.#coalescer.take(changes.filter((change) => isWatched(files, change)));
  }

  /** The ledger is done with a batch. */
  examined(): void {
    this.#coalescer.examined();
  }
}

/**
 * A directory on the way to what a rule names counts too: what the rule names may come and go with it. What is gone may have
 * been one: not every source can say.
 */
function isWatched(files: RuleSet, { path, directory, what }: RawChange): boolean {
  const maybeDirectory = directory || (what & (CHANGE.deleted | CHANGE.movedFrom)) !== 0;
  return files.rulesFor(path, maybeDirectory).length > 0 || (maybeDirectory && files.entersDirectory(path));
}

/** A directory of the process events as a rule, for the source alone. */
function dropRule(path: string, index: number): FimRule {
  return { ...FimRuleParams.parse({ kind: 'directory', path }), id: `dropped executables ${index}` };
}
