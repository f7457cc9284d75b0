import { outputOf, type Command } from '../network/command.ts';
import type { PowerState } from './power.ts';

/* Written to pmset(1) of macOS and samples in that form; not seen running there. */

const PMSET: Command = { file: '/usr/bin/pmset', args: ['-g', 'batt'] };

/** A line of a battery: ` -InternalBattery-0 (id=1234)	85%; discharging; 3:12 remaining present: true`. */
const BATTERY = /^\s*-InternalBattery-\d+[^\n]*?\t(\d{1,3})%;/gm;

/** The answer of `pmset -g batt`; `undefined` when it isn't one. */
export function parsePmset(text: string): PowerState | undefined {
  const source = /^Now drawing from '([^'\n]{1,40})'/m.exec(text)?.[1];
  if (source === undefined) return undefined;
  const charges = Array.from(text.matchAll(BATTERY), ([, charge]) => Number(charge));
  const total = charges.reduce((sum, charge) => sum + charge, 0);
  const chargePct = charges.length === 0 ? null : Math.min(100, Math.round(total / charges.length));
  return { onBattery: source === 'Battery Power', chargePct };
}

/** Asks the host. */
export async function readMacosPower(): Promise<PowerState | undefined> {
  const text = await outputOf(PMSET, AbortSignal.timeout(20_000));
  return text === undefined ? undefined : parsePmset(text);
}
