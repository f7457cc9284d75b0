import { z } from 'zod';
import { SEVERITIES } from './host-events.ts';

const Patterns = z.array(z.string().min(1).max(1_024)).max(256).default([]);
const severity = z.enum(SEVERITIES).default('low');

/**
 * Tables of the EDR manifest's tasks (R201) and their parameters: each task is a rule, its id the rule's. Patterns are those
 * of file integrity (`file-integrity.ts`), tried on the path of the executable.
 */
export const EDR_RULES = {
  /** Starts, ends and changes of user. */
  process_events: z.strictObject({
    severity,
    include: Patterns,
    exclude: Patterns,
    excludeUsers: Patterns,
    hash: z.boolean().default(true),
  }),
  /** Listening sockets that were not there before. */
  listener_events: z.strictObject({ severity, exclude: Patterns }),
  /** Items that start programs at boot or log-on, and scheduled tasks. */
  startup_events: z.strictObject({ severity }),
  /** Executables that appear below these directories. */
  dropped_executables: z.strictObject({
    severity,
    paths: z.array(z.string().min(1).max(4_096)).min(1).max(64),
    exclude: Patterns,
  }),
  /** Windows: values set below these keys. */
  registry_events: z.strictObject({ severity, keys: z.array(z.string().min(1).max(4_096)).min(1).max(64) }),
  /** Windows: named mutexes, where they can be listed. */
  mutex_events: z.strictObject({ severity, names: z.array(z.string().min(1).max(260)).min(1).max(256) }),
} as const;
export type EdrTable = keyof typeof EDR_RULES;
export type EdrRuleParams<T extends EdrTable> = z.infer<(typeof EDR_RULES)[T]>;
