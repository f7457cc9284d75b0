import { listNames } from '../files.ts';
import type { OpenRegistryKey } from '../fim/windows/registry-keys.ts';
import { registryPlaces } from '../fim/windows/registry-names.ts';
import type { KeyedRow, ReadContext } from '../table.ts';
import { scheduledTasks, services, startupItems } from '../windows/services.ts';
import type { NoticedKey } from './registry-notices.ts';
import type { StartupHost } from './startup.ts';

const STARTUP = 'Microsoft/Windows/Start Menu/Programs/Startup';

/** In Users stand the folders of new users, in Tasks those of the task scheduler's library: its own tasks stand deeper. */
const FOLDERS = [`C:/ProgramData/${STARTUP}`, 'C:/Windows/System32/Tasks', 'C:/Users'];

function folders(context: ReadContext): string[] {
  try {
    const own = listNames(context, 'C:/Users').map((user) => `C:/Users/${user}/AppData/Roaming/${STARTUP}`);
    return [...FOLDERS, ...own];
  } catch {
    return FOLDERS;
  }
}

const SERVICES = 'HKLM\\SYSTEM\\CurrentControlSet\\Services';
const keyOfService = ({ name }: KeyedRow['row']): string =>
  `${SERVICES}\\${typeof name === 'string' ? name : ''}`;

/**
 * What starts programs on Windows: Run keys and start-up folders, services, scheduled tasks. All of it is read through PowerShell,
 * which costs a second or two of the processor.
 */
export const WINDOWS_STARTUP: StartupHost = {
  sources: [
    { table: 'startup_items', action: 'startup_item_added', reader: startupItems, location: 'location' },
    { table: 'services', action: 'startup_item_added', reader: services, location: keyOfService },
    { table: 'scheduled_tasks', action: 'scheduled_task_added', reader: scheduledTasks, location: 'source' },
  ],
  folders,
  // A service that starts on demand (`manual`) starts all the same; what the system does not say of an item is no "off".
  isEnabled: (row) =>
    row['startMode'] === undefined ? row['enabled'] !== false : row['startMode'] !== 'disabled',
  // Of users only those who are logged on have Run keys that can be read.
  userOf: ({ location, user }) =>
    typeof user === 'string' && typeof location === 'string' && location.startsWith('HKCU\\')
      ? user
      : undefined,
  pace: { quietMs: 5_000, latestMs: 60_000, leastMs: 60_000, rescanMs: 3_600_000 },
};

const CURRENT_VERSION = 'Microsoft\\Windows\\CurrentVersion';
const RUN_KEYS = ['Run', 'RunOnce'];

/**
 * The keys by whose changes a look begins early. Of services only that they come and go: what stands below them is written to all
 * the time.
 */
export function startupKeys(open: OpenRegistryKey): NoticedKey[] {
  const { hives } = registryPlaces(open);
  const above = [
    `HKLM\\SOFTWARE\\${CURRENT_VERSION}`,
    `HKLM\\SOFTWARE\\WOW6432Node\\${CURRENT_VERSION}`,
    ...hives.map((hive) => `HKU\\${hive}\\SOFTWARE\\${CURRENT_VERSION}`),
  ];
  const runs = above.flatMap((key) => RUN_KEYS.map((name) => ({ key: `${key}\\${name}`, values: true })));
  // A Run key that is not there yet is made below one of these.
  return [SERVICES, ...above].map((key): NoticedKey => ({ key, values: false })).concat(runs);
}
