import { scheduledTasksLinux } from '../linux/scheduled-tasks.ts';
import { scheduledTasks as scheduledTasksWindows } from '../windows/services.ts';
import { scheduledTasks as scheduledTasksMacos } from '../macos/launchd.ts';
import type { TableSpec } from '../table.ts';

export const scheduledTasksTable: TableSpec = {
  name: 'scheduled_tasks',
  group: 'runtime',
  description: 'Tasks started by time.',
  key: 'source, schedule, user and command',
  columns: {
    name: 'name',
    kind: 'crontab, cron script, systemd timer, task scheduler, launchd',
    source: 'file or task path',
    schedule: 'schedule as it is written',
    command: 'command line',
    user: 'account',
    enabled: 'whether it is enabled',
  },
  cost: 'low',
  readers: { linux: scheduledTasksLinux, win32: scheduledTasksWindows, darwin: scheduledTasksMacos },
};
