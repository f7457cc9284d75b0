import { ON_DEMAND_TYPES, type OnDemandType } from '../../../shared/scan.ts';

/** The values of the key of one type (R179–R182). */
export const SCAN_KEY_VALUES = ['ScanOnDemand', 'CpuLimit', 'ScanOnStartup'] as const;
export type ScanKeyValue = (typeof SCAN_KEY_VALUES)[number];

/** The numbers that stand in the key of one type; a value that is absent or no number is not among them. */
export type ScanKey = Readonly<Partial<Record<ScanKeyValue, number>>>;

/** A place in the tree that is not read, and why. */
export interface ScanKeyProblem {
  readonly place: string;
  readonly reason: string;
}

export interface FoundScanKeys {
  readonly keys: ReadonlyMap<OnDemandType, ScanKey>;
  readonly problems: readonly ScanKeyProblem[];
}

/**
 * The tree {type}/{ScanOnDemand, CpuLimit, ScanOnStartup} by which administrators and their tools start scans on this host
 * (R178): files on Unix, the registry on Windows.
 */
export interface ScanKeys {
  /** Makes the root of the tree where there is none (R183). Throws where that is not possible. */
  readonly prepare: () => void;
  /** What stands there now. Never throws: what can't be read is a problem. */
  readonly read: () => FoundScanKeys;
  /** Sets the value ScanOnDemand of a type: 2 in progress, 0 completed (R181). Throws as the system does. */
  readonly setOnDemand: (type: OnDemandType, value: 0 | 2) => void;
  /** Where a value stands, as a person looks for it. */
  readonly placeOf: (type: OnDemandType, value: ScanKeyValue) => string;
  /** Calls back once for each change of what `read` gives, soon after it; returns what ends it. Never throws. */
  readonly watch: (changed: () => void) => () => void;
}

/** Largest number that a value may hold: that of a REG_DWORD. */
const MAX_NUMBER = 0xffff_ffff;

/** The number that a value's text stands for: decimal, blanks around it. `undefined` for anything else. */
function numberIn(text: string): number | undefined {
  const digits = /^\s*(\d{1,10})\s*$/.exec(text)?.[1];
  return digits === undefined || Number(digits) > MAX_NUMBER ? undefined : Number(digits);
}

/** How the values of one kind of tree are read. */
interface Reading {
  readonly placeOf: ScanKeys['placeOf'];
  /** What keeps the whole key of a type from being read, if anything does. */
  readonly problemOf: (type: OnDemandType) => ScanKeyProblem | undefined;
  /** A value's text or number; throws the reason why it can't be read. */
  readonly valueOf: (type: OnDemandType, value: ScanKeyValue) => string | number | undefined;
}

/** Reads the whole tree. Each place is named once, whatever it keeps from being read. */
export function readScanKeys(reading: Reading): FoundScanKeys {
  const keys = new Map<OnDemandType, ScanKey>();
  const problems = new Map<string, ScanKeyProblem>();
  for (const type of Object.values(ON_DEMAND_TYPES)) {
    const problem = reading.problemOf(type);
    if (problem === undefined) keys.set(type, readKey(reading, type, problems));
    else problems.set(problem.place, problem);
  }
  return { keys, problems: [...problems.values()] };
}

function readKey(reading: Reading, type: OnDemandType, problems: Map<string, ScanKeyProblem>): ScanKey {
  const key: Partial<Record<ScanKeyValue, number>> = {};
  for (const value of SCAN_KEY_VALUES) {
    try {
      const found = reading.valueOf(type, value);
      // A file that somebody is about to write is empty first.
      if (found === undefined || found === '') continue;
      const number = typeof found === 'number' ? found : numberIn(found);
      if (number === undefined) throw new Error('it does not hold a decimal number');
      key[value] = number;
    } catch (error) {
      const place = reading.placeOf(type, value);
      problems.set(place, { place, reason: (error as Error).message });
    }
  }
  return key;
}
