import { loadNotices } from '../../../src/collector/edr/registry-notices.ts';
import { loadRegistryApi, openRegistryKey } from '../../../src/main/host/registry.ts';

/** Waits for changes of one key, with its values and by its subkeys alone, as looks at what starts programs do. */
export function work({ key }: { key: string }): unknown {
  const [values, below] = [key, `${key}\\Below`].map((name) => openRegistryKey(loadRegistryApi(), name));
  const open = loadNotices();
  const noticed = (counts: boolean) => open({ key: `HKLM\\${key}`, values: counts });
  const missing = noticed(true) === undefined;
  values?.setNumber('Now', 0);
  const [all, names] = [noticed(true), noticed(false)];
  const armed = [all?.arm(), names?.arm()];
  const told = (): unknown[] => [all?.isSet(), names?.isSet()];
  const nothing = told();
  values?.setNumber('Now', 1);
  const value = told();
  all?.arm();
  below?.setNumber('Now', 0);
  const subkey = told();
  all?.close();
  names?.close();
  return { missing, armed, nothing, value, subkey };
}
