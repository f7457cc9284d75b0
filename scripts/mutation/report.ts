import { z } from 'zod';

/** The part that is read of Stryker's JSON report (mutation-testing-report-schema). */
const Report = z.object({
  files: z.record(
    z.string(),
    z.object({
      mutants: z.array(
        z.object({
          mutatorName: z.string(),
          replacement: z.string().optional(),
          status: z.string(),
          location: z.object({ start: z.object({ line: z.number(), column: z.number() }) }),
        }),
      ),
    }),
  ),
});

/** A change to a source that no test noticed. */
export interface Survivor {
  readonly line: number;
  readonly column: number;
  readonly mutator: string;
  readonly replacement: string;
}

/** How one source fared. A mutant that never ends is noticed as well: it counts as killed. */
export interface FileScore {
  readonly file: string;
  readonly killed: number;
  readonly survivors: readonly Survivor[];
}

const KILLED = new Set(['Killed', 'Timeout']);
const SURVIVED = new Set(['Survived', 'NoCoverage']);

/** Reads a report; files in alphabetic order. Mutants that do not even compile or load count for nothing. */
export function readReport(json: string): FileScore[] {
  const { files } = Report.parse(JSON.parse(json));
  return Object.entries(files)
    .map(([file, { mutants }]) => ({
      file,
      killed: mutants.filter(({ status }) => KILLED.has(status)).length,
      survivors: mutants
        .filter(({ status }) => SURVIVED.has(status))
        .map(({ location, mutatorName, replacement }) => ({
          ...location.start,
          mutator: mutatorName,
          replacement: replacement ?? '',
        })),
    }))
    .filter(({ killed, survivors }) => killed + survivors.length > 0)
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}
