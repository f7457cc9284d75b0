import { loadKoffi } from '../koffi.ts';
import type { PowerState, ReadPower } from './power.ts';

/** SYSTEM_POWER_STATUS (winbase.h): three bytes are used, two numbers of 32 bits follow. */
const STATUS_BYTES = 12;
const OFFLINE = 0;
const NO_BATTERY = 128;
const UNKNOWN = 255;

/** Binds GetSystemPowerStatus. Throws where the library is not. */
export function windowsPower(library = 'kernel32.dll'): () => PowerState | undefined {
  const call = loadKoffi().load(library).func('__stdcall', 'GetSystemPowerStatus', 'int32', ['void *']);
  return () => {
    const status = Buffer.alloc(STATUS_BYTES);
    if (call(status) === 0) return undefined;
    const [line = UNKNOWN, flag = UNKNOWN, charge = UNKNOWN] = status;
    const hasBattery = flag === UNKNOWN || (flag & NO_BATTERY) === 0;
    return { onBattery: hasBattery && line === OFFLINE, chargePct: charge > 100 ? null : charge };
  };
}

/** The library is loaded with the first look. */
export function windowsReader(): ReadPower {
  let read: (() => PowerState | undefined) | undefined;
  return () => {
    try {
      read ??= windowsPower();
      return Promise.resolve(read());
    } catch {
      return Promise.resolve(undefined);
    }
  };
}
