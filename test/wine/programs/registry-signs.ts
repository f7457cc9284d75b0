import { LOCAL_MACHINE, loadRegistryApi, openRegistryKey } from '../../../src/main/host/registry.ts';
import { loadRegistryNotify } from '../../../src/main/host/scan-keys/registry-signs.ts';

/** Waits for changes of a key, and of one below it, as scans on demand do. */
export function work({ key }: { key: string }): unknown {
  const [values, below] = [key, `${key}\\Below`].map((name) => openRegistryKey(loadRegistryApi(), name));
  const api = loadRegistryNotify();
  const missing = api.openKey(LOCAL_MACHINE, key);
  values?.setNumber('Now', 0);
  below?.setNumber('Now', 0);
  const opened = api.openKey(LOCAL_MACHINE, key);
  const event = api.createEvent();
  const told = (value: number): boolean[] => {
    const accepted = api.notify(opened, event);
    const before = api.isSet(event);
    below?.setNumber('Now', value);
    return [accepted, before, api.isSet(event), api.isSet(event)];
  };
  const seen = [told(1), told(2)];
  api.closeKey(opened);
  const closed = api.notify(opened, event);
  api.closeEvent(event);
  return { missing: missing ?? 'none', seen, closed };
}
