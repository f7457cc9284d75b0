export const MARKS = ['AGENT', 'PLATFORM', 'INSTALLER', 'UI', 'OOS'] as const;
export type Mark = (typeof MARKS)[number];

export const STATES = ['proven', 'format', 'not yet', 'out of scope'] as const;
export type State = (typeof STATES)[number];

export interface Requirement {
  readonly number: string;
  readonly mark: Mark;
  readonly behaviour: string;
  readonly state: State;
}

const LINE = /^\| (R\d{3}) +\| (\w+) *\| (.+?) *\| ([a-z ]+?) *\|$/;

function parseLine(line: string): Requirement {
  const [, number = '', mark = '', behaviour = '', state = ''] = LINE.exec(line) ?? [];
  const knownMark = MARKS.find((candidate) => candidate === mark);
  const knownState = STATES.find((candidate) => candidate === state);
  if (knownMark === undefined || knownState === undefined) {
    throw new Error(`docs/requirements.md: not a line of the table: ${line}`);
  }
  return { number, mark: knownMark, behaviour, state: knownState };
}

/**
 * The requirements of the document's tables, in order. Throws when a line does not parse, when a number is missing or
 * doubled, or when mark and state contradict each other: the numbers are R001 to R330 without a gap.
 */
export function parseTable(document: string): Requirement[] {
  const all = document
    .split('\n')
    .filter((line) => line.startsWith('| R'))
    .map(parseLine);
  all.forEach(({ number, mark, state }, index) => {
    const expected = `R${String(index + 1).padStart(3, '0')}`;
    if (number !== expected)
      throw new Error(`docs/requirements.md: ${number} stands where ${expected} belongs`);
    if ((mark === 'OOS') !== (state === 'out of scope')) {
      throw new Error(`docs/requirements.md: ${number} is marked ${mark} but its state is "${state}"`);
    }
  });
  if (all.length !== 330) throw new Error(`docs/requirements.md holds ${all.length} requirements, not 330`);
  return all;
}

/** The document with other states for some numbers. */
export function withStates(document: string, states: ReadonlyMap<string, State>): string {
  return document
    .split('\n')
    .map((line) => {
      const state = line.startsWith('| R') ? states.get(line.slice(2, 6)) : undefined;
      return state === undefined ? line : line.replace(/\| [a-z ]+?\|$/, `| ${state} |`);
    })
    .join('\n');
}
