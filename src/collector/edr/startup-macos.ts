import { scheduledTasks, services, startupItems } from '../macos/launchd.ts';
import { homeUsers } from '../macos/software.ts';
import type { ReadContext } from '../table.ts';
import type { StartupHost } from './startup.ts';

/**
 * Folders that change; those of /System stand on a sealed volume, which changes with an update alone. In /Users stand the homes
 * of new users.
 */
const FOLDERS = [
  '/Library/LaunchDaemons',
  '/Library/LaunchAgents',
  '/private/var/db/com.apple.xpc.launchd',
  '/private/var/at/tabs',
  '/Users',
];

function folders(context: ReadContext): string[] {
  try {
    const own = homeUsers(context).map((user) => `/Users/${user}/Library/LaunchAgents`);
    return [...FOLDERS, ...own];
  } catch {
    return FOLDERS;
  }
}

/** What starts programs on macOS: jobs of launchd (launchd.plist(5)) and crontabs. Items of the log-in window are not among them. */
export const MACOS_STARTUP: StartupHost = {
  sources: [
    { table: 'startup_items', action: 'startup_item_added', reader: startupItems, location: 'location' },
    { table: 'services', action: 'startup_item_added', reader: services, location: 'path' },
    { table: 'scheduled_tasks', action: 'scheduled_task_added', reader: scheduledTasks, location: 'source' },
  ],
  folders,
  // A daemon that starts on demand (`manual`) starts all the same.
  isEnabled: (row) =>
    row['startMode'] === undefined ? row['enabled'] !== false : row['startMode'] !== 'disabled',
};
