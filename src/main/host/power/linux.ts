import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PowerState } from './power.ts';

/** Supplies of the kernel (Linux, Documentation/ABI/testing/sysfs-class-power). */
const CLASS = '/sys/class/power_supply';

/** Longest value that is looked at, in characters. */
const MAX_VALUE = 64;

type Read = (name: string) => string | undefined;

/** What a charge is measured in: now and when full. */
const GAUGES = [
  ['energy_now', 'energy_full'],
  ['charge_now', 'charge_full'],
] as const;

/**
 * Power by the kernel's list of supplies: on battery where no supply from outside is on and a battery is discharged, or
 * does not say. Batteries of mice and headsets don't count. `folder` moves the list, for tests.
 */
export function readLinuxPower(folder = CLASS): PowerState | undefined {
  const supplies = suppliesIn(folder).filter((read) => read('scope') !== 'Device');
  const batteries = supplies.filter((read) => read('type') === 'Battery' && read('present') !== '0');
  if (batteries.length === 0)
    return supplies.length === 0 ? undefined : { onBattery: false, chargePct: null };
  const outside = supplies.filter((read) => read('type') !== 'Battery' && read('online') !== undefined);
  const chargePct = chargeOf(batteries);
  if (outside.some((read) => read('online') !== '0')) return { onBattery: false, chargePct };
  const states = batteries.map((read) => read('status'));
  const discharges = states.includes('Discharging');
  const silent = outside.length > 0 && states.every((state) => state === undefined || state === 'Unknown');
  return { onBattery: discharges || silent, chargePct };
}

function suppliesIn(folder: string): Read[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.map((name) => (value) => {
    try {
      return readFileSync(join(folder, name, value), 'latin1')
        .slice(0, MAX_VALUE)
        .trim();
    } catch {
      return undefined;
    }
  });
}

/** Of what all batteries can hold together; the mean of what each says where they measure in different ways. */
function chargeOf(batteries: readonly Read[]): number | null {
  for (const [now, full] of GAUGES) {
    const held = sum(batteries.map((read) => numberOf(read(now))));
    const most = sum(batteries.map((read) => numberOf(read(full))));
    if (held !== undefined && most !== undefined && most > 0) return percent((100 * held) / most);
  }
  const each = sum(batteries.map((read) => numberOf(read('capacity'))));
  return each === undefined ? null : percent(each / batteries.length);
}

const percent = (value: number): number => Math.round(Math.min(100, value));

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

function sum(values: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    total += value;
  }
  return total;
}
