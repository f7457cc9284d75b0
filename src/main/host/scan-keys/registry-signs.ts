import type { Clock } from '../../clock.ts';
import { loadKoffi } from '../koffi.ts';
import { Timer } from '../network/timer.ts';
import { LOCAL_MACHINE } from '../registry.ts';
import type { Signs } from './watch-keys.ts';

/** How often it is asked whether the registry has told a change, ms. A wait in a thread would hold the end of the process. */
export const LOOK_MS = 1_000;

/** The functions that tell changes of a key, as winreg.h and synchapi.h declare them. */
export interface RegistryNotifyApi {
  /** Opens a key to be told of its changes; `undefined` where that is not possible. */
  readonly openKey: (root: number, key: string) => unknown;
  readonly closeKey: (key: unknown) => void;
  /** An event that a wait resets; `undefined` where there is none to be had. */
  readonly createEvent: () => unknown;
  /** Has the next change of the key or of one below it set the event; whether that was accepted. */
  readonly notify: (key: unknown, event: unknown) => boolean;
  /** Whether the event was set since it was asked last. */
  readonly isSet: (event: unknown) => boolean;
  readonly closeEvent: (event: unknown) => void;
}

/**
 * Signs of change of a key and of those below it. Windows tells one change for each time it is asked to; it is asked anew
 * before each look, so that none is missed in between.
 */
export function registrySigns(api: RegistryNotifyApi, key: string, clock: Clock): Signs {
  const timer = new Timer(clock);
  let open: { readonly handle: unknown; readonly event: unknown; armed: boolean } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    api.closeKey(open.handle);
    api.closeEvent(open.event);
    open = undefined;
  };
  const arm = (): void => {
    open ??= openWith(api, key);
    if (open === undefined || open.armed) return;
    open.armed = api.notify(open.handle, open.event);
    // A key that was deleted tells nothing any more: one of the same name is another key.
    if (!open.armed) close();
  };
  const lookOn = (changed: () => void): void => {
    timer.set(LOOK_MS, () => {
      if (open !== undefined && api.isSet(open.event)) {
        open.armed = false;
        changed();
      }
      lookOn(changed);
    });
  };
  return {
    listen: (changed) => {
      arm();
      if (!timer.pending) lookOn(changed);
    },
    end: () => {
      timer.cancel();
      close();
    },
  };
}

function openWith(
  api: RegistryNotifyApi,
  key: string,
): { handle: unknown; event: unknown; armed: boolean } | undefined {
  const handle = api.openKey(LOCAL_MACHINE, key);
  if (handle === undefined) return undefined;
  const event = api.createEvent();
  if (event !== undefined) return { handle, event, armed: false };
  api.closeKey(handle);
  return undefined;
}

const KEY_NOTIFY = 0x10;
/** Keys that come and go, and values that are set, in the whole tree. */
const REG_NOTIFY_CHANGE_NAME = 0x1;
const REG_NOTIFY_CHANGE_LAST_SET = 0x4;
const SUCCESS = 0;
const WAIT_OBJECT_0 = 0;

type OpenKey = (root: number, key: string, options: 0, access: number, handle: [unknown]) => number;
type Notify = (key: unknown, subtree: 1, filter: number, event: unknown, asynchronous: 1) => number;
type Close = (handle: unknown) => number;
type CreateEvent = (security: null, manual: 0, initial: 0, name: null) => unknown;
type Wait = (handle: unknown, ms: 0) => number;

/** Loads advapi32.dll and kernel32.dll, or the libraries of these names in a test. Throws off Windows. */
export function loadRegistryNotify(
  advapi32Name = 'advapi32.dll',
  kernel32Name = 'kernel32.dll',
): RegistryNotifyApi {
  const koffi = loadKoffi();
  const advapi32 = koffi.load(advapi32Name);
  const kernel32 = koffi.load(kernel32Name);
  const openKey = advapi32.func(
    'int32 __stdcall RegOpenKeyExW(intptr_t root, str16 key, uint32 options, uint32 access, _Out_ intptr_t *handle)',
  ) as unknown as OpenKey;
  const notify = advapi32.func(
    'int32 __stdcall RegNotifyChangeKeyValue(intptr_t key, int32 subtree, uint32 filter, intptr_t event, int32 asynchronous)',
  ) as unknown as Notify;
  const closeKey = advapi32.func('int32 __stdcall RegCloseKey(intptr_t handle)') as unknown as Close;
  const createEvent = kernel32.func(
    'intptr_t __stdcall CreateEventW(void *security, int32 manual, int32 initial, void *name)',
  ) as unknown as CreateEvent;
  const wait = kernel32.func(
    'uint32 __stdcall WaitForSingleObject(intptr_t handle, uint32 ms)',
  ) as unknown as Wait;
  const closeHandle = kernel32.func('int32 __stdcall CloseHandle(intptr_t handle)') as unknown as Close;
  return {
    openKey: (root, key) => {
      const handle: [unknown] = [undefined];
      return openKey(root, key, 0, KEY_NOTIFY, handle) === SUCCESS ? handle[0] : undefined;
    },
    closeKey: (key) => void closeKey(key),
    createEvent: () => {
      const event = createEvent(null, 0, 0, null);
      return Number(event) === 0 ? undefined : event;
    },
    notify: (key, event) =>
      notify(key, 1, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET, event, 1) === SUCCESS,
    isSet: (event) => wait(event, 0) === WAIT_OBJECT_0,
    closeEvent: (event) => void closeHandle(event),
  };
}
