import type { Systeminformation } from 'systeminformation';
import { readValue } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { known, systemInformation } from './system-information.ts';
import { namesIn } from './tolerant.ts';

const CLASS = '/sys/class/power_supply';

/** The row of a battery; charge, health and cycles change by the day and are not shown. */
export function batteryRow(device: string, battery: Systeminformation.BatteryData): KeyedRow {
  const serial = known(battery.serial);
  const capacity = Math.round(battery.designedCapacity);
  const row = {
    device,
    vendor: known(battery.manufacturer),
    model: known(battery.model),
    serial,
    chemistry: known(battery.type),
    designCapacityMwh: battery.capacityUnit === 'mWh' && capacity > 0 ? capacity : null,
  };
  return { key: serial ?? device, row };
}

/** Batteries of the system, not those of mice and headsets, which come and go. */
async function* readBattery(context: ReadContext): AsyncGenerator<KeyedRow> {
  const device = namesIn(context, CLASS).find(
    (name) =>
      readValue(context, `${CLASS}/${name}/type`) === 'Battery' &&
      readValue(context, `${CLASS}/${name}/scope`) !== 'Device',
  );
  if (device === undefined) return;
  const library = await systemInformation(context);
  if (library === undefined) return;
  const battery = await library.battery();
  if (!battery.hasBattery) return;
  const all = [battery, ...(battery.additionalBatteries ?? [])];
  for (const [index, one] of all.entries())
    yield batteryRow(index === 0 ? device : `${device}+${index}`, one);
}

export const batteryLinux: Reader = {
  source: 'systeminformation, where /sys/class/power_supply has a battery',
  root: 'no',
  read: readBattery,
};
