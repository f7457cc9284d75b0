import { z } from 'zod';
import { SEVERITIES } from './host-events.ts';

/** The table name of a task that is a rule of file integrity (R206): a task of the FIM manifest is a rule, its id the rule's. */
export const FIM_TABLE = 'file_integrity';

/** What a rule may want to hear of. `content` and `attributes` are changes of a file that stays; `security` those of owner, mode, ACL. */
export const FIM_WANTED = ['create', 'content', 'attributes', 'security', 'rename', 'delete'] as const;
export type FimWanted = (typeof FIM_WANTED)[number];

/** Bounds of one rule. */
export const FIM_RULE_LIMITS = {
  path: 4_096,
  pattern: 1_024,
  patterns: 256,
  depth: 128,
  diffKb: 64,
} as const;

const Patterns = z
  .array(z.string().min(1).max(FIM_RULE_LIMITS.pattern))
  .max(FIM_RULE_LIMITS.patterns)
  .default([]);

/**
 * The parameters of a rule. Patterns know `*` (any run of characters but the separator) and `?` (one of them). One without a
 * separator is tried on the name, one with a separator on the whole path. An excluded directory excludes what is below it;
 * `include` counts for everything but directories, which are passed through on the way.
 */
export const FimRuleParams = z.strictObject({
  kind: z.enum(['directory', 'file', 'symlink', 'registry']),
  /** Absolute; may not exist yet. */
  path: z.string().min(1).max(FIM_RULE_LIMITS.path),
  /** The systems that the rule is for, as Node names them; without it, all of them. */
  systems: z
    .array(z.enum(['linux', 'darwin', 'win32']))
    .min(1)
    .optional(),
  recursive: z.boolean().default(true),
  /** Levels below `path`; 0 is its entries alone. Without one, all of them. */
  depth: z.number().int().min(0).max(FIM_RULE_LIMITS.depth).optional(),
  include: Patterns,
  exclude: Patterns,
  severity: z.enum(SEVERITIES).default('medium'),
  events: z
    .array(z.enum(FIM_WANTED))
    .min(1)
    .default([...FIM_WANTED]),
  /** User names or numbers whose changes are not reported; the baseline follows them all the same. */
  excludeUsers: Patterns,
  /** Absolute paths of executables, as `excludeUsers`. */
  excludeProcesses: Patterns,
  /** Whether events of text files say which lines differ. */
  diff: z.boolean().default(false),
  diffMaxKb: z.number().int().min(1).max(FIM_RULE_LIMITS.diffKb).default(16),
  /** Names of files of which no content is ever shown, beside the built-in ones. */
  secrets: Patterns,
});
export type FimRuleParams = z.infer<typeof FimRuleParams>;

/** A rule as the sensor works with it. */
export interface FimRule extends FimRuleParams {
  readonly id: string;
}
