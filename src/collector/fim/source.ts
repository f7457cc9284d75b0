import type { MountState } from '../../shared/sensor.ts';
import type { LostChanges, RawChange } from './change.ts';
import type { RuleSet } from './rule-set.ts';

/** What a source of file changes tells. */
export interface SourceEvents {
  readonly changes: (changes: readonly RawChange[]) => void;
  /** Something may have changed that nobody saw. */
  readonly lost: (lost: LostChanges) => void;
  /** The source has stopped by itself: the reason, for the log. It is started anew by its owner. */
  readonly failed: (reason: string) => void;
  /** `mounts()` says something else than before. */
  readonly mountsChanged: () => void;
  readonly log: (level: 'warn' | 'info' | 'debug', message: string) => void;
}

/** A source of file changes of one host (R208). */
export interface ChangeSource {
  /** Its name in `event.provider`. */
  readonly provider: string;
  /** Whether it says who made a change. */
  readonly actors: 'known' | 'unknown';
  /** Why it does not, where it could. */
  readonly noActors?: string | undefined;
  /** Begins with these rules. Throws where the host does not allow it at all. */
  readonly start: (rules: RuleSet) => void | Promise<void>;
  /** Other rules from now on. */
  readonly setRules: (rules: RuleSet) => void | Promise<void>;
  /** How the filesystems that the rules touch are watched. */
  readonly mounts: () => MountState[];
  readonly stop: () => void | Promise<void>;
}
