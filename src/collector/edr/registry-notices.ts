import type { StartTimer } from '../debounce.ts';
import { hiveOf } from '../fim/windows/registry-keys.ts';
import { loadKoffi } from '../native/koffi.ts';
import type { StartupSigns } from './startup.ts';

/** How often it is asked whether Windows has told of a change, ms. A wait in a thread would hold the end of the process. */
export const ASK_MS = 5_000;

/** Keys that are watched at most: each costs two handles. */
const MOST_KEYS = 128;

/** A key to be told of, `HKLM\...` or `HKU\...`. */
export interface NoticedKey {
  readonly key: string;
  /** Whether its values count as well, or only subkeys that come and go. What happens below those never does. */
  readonly values: boolean;
}

/** The next change of one key. */
export interface Notice {
  /** Whether there was one since this was asked last. */
  readonly isSet: () => boolean;
  /** Has the next change told; whether that was accepted. A key that was deleted tells of nothing. */
  readonly arm: () => boolean;
  readonly close: () => void;
}

/** Opens a key to be told of its changes; `undefined` where that is not possible. */
export type OpenNotice = (key: NoticedKey) => Notice | undefined;

export interface RegistryNoticesOptions {
  /** Throws off Windows. */
  readonly open: () => OpenNotice;
  /** The keys of which changes are to be told now. Throws as well. */
  readonly keys: () => readonly NoticedKey[];
  readonly startTimer: StartTimer;
}

interface Watched {
  readonly notice: Notice;
  isArmed: boolean;
}

/** Tells of changes of keys of the registry. Windows tells one change for each time it is asked to: it is asked anew before each look. */
export class RegistryNotices implements StartupSigns {
  readonly #options: RegistryNoticesOptions;
  readonly #watched = new Map<string, Watched>();
  #open: OpenNotice | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: RegistryNoticesOptions) {
    this.#options = options;
  }

  listen(changed: () => void): void {
    try {
      this.#watch(this.#options.keys().slice(0, MOST_KEYS));
    } catch {
      // Without the calls the next look is due by the clock.
      return;
    }
    this.#cancel?.();
    this.#ask(changed);
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const name of [...this.#watched.keys()]) this.#leave(name);
  }

  #watch(noticed: readonly NoticedKey[]): void {
    this.#open ??= this.#options.open();
    const names = new Set(noticed.map(({ key }) => key));
    for (const name of [...this.#watched.keys()]) if (!names.has(name)) this.#leave(name);
    for (const one of noticed) this.#arm(one);
  }

  #arm(noticed: NoticedKey): void {
    const known = this.#watched.get(noticed.key);
    if (known?.isArmed === true) return;
    if (known !== undefined && this.#isArmed(known)) return;
    // A key that was deleted tells of nothing: one of the same name is another key.
    this.#leave(noticed.key);
    const entered = this.#enter(noticed);
    if (entered !== undefined && !this.#isArmed(entered)) this.#leave(noticed.key);
  }

  #isArmed(watched: Watched): boolean {
    watched.isArmed = watched.notice.arm();
    return watched.isArmed;
  }

  #enter(noticed: NoticedKey): Watched | undefined {
    const notice = this.#open?.(noticed);
    if (notice === undefined) return undefined;
    const watched = { notice, isArmed: false };
    this.#watched.set(noticed.key, watched);
    return watched;
  }

  #leave(name: string): void {
    this.#watched.get(name)?.notice.close();
    this.#watched.delete(name);
  }

  #ask(changed: () => void): void {
    this.#cancel = this.#options.startTimer(ASK_MS, () => {
      let isAny = false;
      for (const watched of this.#watched.values()) {
        if (!watched.isArmed || !watched.notice.isSet()) continue;
        watched.isArmed = false;
        isAny = true;
      }
      this.#ask(changed);
      if (isAny) changed();
    });
  }
}

/** winnt.h, winreg.h, synchapi.h. */
const KEY_NOTIFY = 0x10;
const KEY_WOW64_64KEY = 0x100;
const REG_NOTIFY_CHANGE_NAME = 0x1;
const REG_NOTIFY_CHANGE_LAST_SET = 0x4;
const SUCCESS = 0;
const WAIT_OBJECT_0 = 0;

type OpenKey = (root: number, key: string, options: 0, access: number, handle: [unknown]) => number;
type Notify = (key: unknown, subtree: 0, filter: number, event: unknown, asynchronous: 1) => number;
type Close = (handle: unknown) => number;
type CreateEvent = (security: null, manual: 0, initial: 0, name: null) => unknown;
type Wait = (handle: unknown, ms: 0) => number;

/** Loads advapi32.dll and kernel32.dll, or the libraries of these names in a test. Throws off Windows. */
export function loadNotices(advapi = 'advapi32.dll', kernel = 'kernel32.dll'): OpenNotice {
  const koffi = loadKoffi();
  const [advapi32, kernel32] = [koffi.load(advapi), koffi.load(kernel)];
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

  return ({ key, values }) => {
    const place = hiveOf(key);
    if (place === undefined) return undefined;
    const handle: [unknown] = [undefined];
    const access = KEY_NOTIFY | KEY_WOW64_64KEY;
    if (openKey(place.hive, place.name, 0, access, handle) !== SUCCESS) return undefined;
    const event = createEvent(null, 0, 0, null);
    if (Number(event) === 0) {
      closeKey(handle[0]);
      return undefined;
    }
    const filter = REG_NOTIFY_CHANGE_NAME | (values ? REG_NOTIFY_CHANGE_LAST_SET : 0);
    return {
      isSet: () => wait(event, 0) === WAIT_OBJECT_0,
      arm: () => notify(handle[0], 0, filter, event, 1) === SUCCESS,
      close: () => {
        closeKey(handle[0]);
        closeHandle(event);
      },
    };
  };
}
