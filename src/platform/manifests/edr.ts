import type { z } from 'zod';
import type { Manifest, Task } from '../../shared/manifest.ts';
import type { EDR_RULES, EdrTable } from '../../shared/process-events.ts';

function rule<T extends EdrTable>(table: T, params: z.input<(typeof EDR_RULES)[T]>): Task {
  return { id: table.replaceAll('_', '-'), table, params: params as Task['params'] };
}

/** Where everybody may write: a program that appears there came by no package manager. */
const SUSPECT_PLACES = [
  '/tmp',
  '/var/tmp',
  '/dev/shm',
  '/private/tmp',
  '/private/var/tmp',
  '/Users/Shared',
  'C:\\Windows\\Temp',
  'C:\\Users\\Public',
  'C:\\PerfLogs',
];

const MACHINE = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion';
const KEYS_THAT_START = [
  `${MACHINE}\\Run`,
  `${MACHINE}\\RunOnce`,
  `${MACHINE}\\Policies\\Explorer\\Run`,
  'HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Run',
  'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon',
  'HKLM\\SYSTEM\\CurrentControlSet\\Services',
];

/** Mutexes by which well-known worms see that a host is theirs already. */
const KNOWN_MUTEXES = ['Global\\MsWinZonesCacheCounterMutexA', 'Global\\MsWinZonesCacheCounterMutexA0'];

/** Targeted processes, mutexes, registry keys and suspect file locations (R201). */
export const edr: Manifest = {
  type: 'EDR',
  description: 'Processes, listeners, what starts by itself, programs in places where everybody may write',
  tasks: [
    rule('process_events', { severity: 'low' }),
    rule('listener_events', { severity: 'medium' }),
    rule('startup_events', { severity: 'high' }),
    rule('dropped_executables', { severity: 'high', paths: SUSPECT_PLACES }),
    rule('registry_events', { severity: 'high', keys: KEYS_THAT_START }),
    rule('mutex_events', { severity: 'critical', names: KNOWN_MUTEXES }),
  ],
};
