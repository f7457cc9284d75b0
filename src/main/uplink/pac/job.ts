import { z } from 'zod';

/** What one evaluation may use. All of it ends with the process that evaluates, at the latest after `WHOLE_MS`. */
export const PacLimits = z.object({
  /** Time that the script itself may run, ms; waiting for names does not count. */
  scriptMs: z.number().int().positive().default(2_000),
  /** Memory of the script engine, bytes. */
  memoryBytes: z
    .number()
    .int()
    .positive()
    .default(16 * 1024 * 1024),
  /** Stack of the script engine, bytes: deep enough for recursion over a few hundred entries. */
  stackBytes: z
    .number()
    .int()
    .positive()
    .default(256 * 1024),
  /** Different names that one evaluation may ask for. */
  lookups: z.number().int().nonnegative().default(20),
  /** Time for all of its lookups together, ms. A name that is not there in time counts as unknown. */
  lookupMs: z.number().int().positive().default(4_000),
});
export type PacLimits = z.infer<typeof PacLimits>;

/** After this time the process that evaluates is killed, ms: some engine built-ins never look at a clock. */
export const WHOLE_MS = 10_000;

/** Largest script, in bytes as fetched and in characters; browsers refuse more, too. */
export const MAX_SCRIPT = 1024 * 1024;

/** A script to run, as the evaluating process reads it from its standard input. */
export const PacJob = z.object({
  script: z.string().max(MAX_SCRIPT),
  /** What is asked for; `null` only sees whether the script runs and defines `FindProxyForURL`. */
  question: z.object({ url: z.string().max(2_048), host: z.string().max(255) }).nullable(),
  /** The instant that the whole evaluation sees, ms since the epoch. */
  now: z.number(),
  limits: PacLimits,
});
export type PacJob = z.infer<typeof PacJob>;

/** Longest text that comes back, characters. */
export const MAX_TEXT = 8_192;

/** What came of it, as the evaluating process writes it to its standard output. */
export const PacOutcome = z.union([
  z.object({ answer: z.string().max(MAX_TEXT) }),
  z.object({ reason: z.string().max(MAX_TEXT) }),
]);
export type PacOutcome = z.infer<typeof PacOutcome>;
