/** One line of a table of figures: what was measured, against which limit or peer. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Goal or peer in the same unit; without one the figure only informs. */
  readonly limit?: number;
  /** What the limit is, where it is not the goal; without a limit, why there is none. */
  readonly peer?: string;
}

const short = (value: number): string =>
  Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);

/** Prints figures as one table of Markdown: value, limit or peer, and the ratio of both. */
export function printFigures(figures: readonly Figure[]): void {
  console.log('| what | value | limit or peer | ratio |\n| --- | --- | --- | --- |');
  for (const { what, value, unit, limit, peer } of figures) {
    const against =
      limit === undefined
        ? (peer ?? '–')
        : `${short(limit)} ${unit}${peer === undefined ? '' : ` (${peer})`}`;
    const ratio = limit === undefined || limit === 0 ? '–' : (value / limit).toFixed(2);
    console.log(`| ${what} | ${short(value)} ${unit} | ${against} | ${ratio} |`);
  }
}
