import { ON_DEMAND_TYPES, type OnDemandType } from '../../../shared/scan.ts';
import type { Clock } from '../../clock.ts';
import { openRegistryKey, type RegistryApi, type RegistryKey } from '../registry.ts';
import { registrySigns, type RegistryNotifyApi } from './registry-signs.ts';
import { readScanKeys, type ScanKeys } from './scan-keys.ts';
import { watchKeys } from './watch-keys.ts';

/**
 * The tree in the registry of Windows below a root (R178): `<root>\<type>`, each value a REG_DWORD. A REG_SZ that holds a
 * decimal number is taken for it, since scripts write those; other types are named. Who may write there is for the rights
 * of HKLM\SOFTWARE to say: administrators alone.
 */
export function registryScanKeys(
  api: RegistryApi,
  notify: RegistryNotifyApi,
  root: string,
  clock: Clock,
): ScanKeys {
  const keys = new Map<OnDemandType, RegistryKey>(
    Object.values(ON_DEMAND_TYPES).map((type) => [type, openRegistryKey(api, `${root}\\${type}`)]),
  );
  const placeOf: ScanKeys['placeOf'] = (type, value) => `HKLM\\${root}\\${type}\\${value}`;
  const read: ScanKeys['read'] = () =>
    readScanKeys({
      placeOf,
      problemOf: () => undefined,
      valueOf: (type, value) => keys.get(type)?.get(value),
    });
  return {
    prepare: openRegistryKey(api, root).checkWritable,
    read,
    placeOf,
    setOnDemand: (type, value) => keys.get(type)?.setNumber('ScanOnDemand', value),
    watch: (changed) => watchKeys(clock, read, registrySigns(notify, root, clock), changed),
  };
}
