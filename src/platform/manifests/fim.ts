import type { z } from 'zod';
import { FIM_TABLE, type FimRuleParams } from '../../shared/file-integrity.ts';
import type { Manifest, Task } from '../../shared/manifest.ts';

type Settings = Omit<z.input<typeof FimRuleParams>, 'kind' | 'path'>;

/** A rule; settings that are absent are the schema's own. */
function rule(id: string, kind: FimRuleParams['kind'], path: string, settings: Settings = {}): Task {
  return { id, table: FIM_TABLE, params: { kind, path, ...settings } as Task['params'] };
}
const directory = (id: string, path: string, settings?: Settings): Task =>
  rule(id, 'directory', path, settings);
const file = (id: string, path: string, settings?: Settings): Task => rule(id, 'file', path, settings);
const key = (id: string, path: string): Task => rule(id, 'registry', path, { severity: 'high' });

const HIGH: Settings = { severity: 'high' };
const CRITICAL: Settings = { severity: 'critical' };
/** Who may do what, in plain text: which lines differ is what an auditor asks for. */
const HIGH_DIFF: Settings = { severity: 'high', diff: true };
const CRITICAL_DIFF: Settings = { severity: 'critical', diff: true };

/** Names of key files, of which no line is ever shown whatever the rule says. */
const KEYS = ['*_key', '*.key', '*.pem', '*.p12', '*.pfx', 'id_*'];
/** What editors and package managers leave for a moment on the way to the file that is meant. */
const PASSING = ['*.swp', '*.swx', '*~', '.#*', '4913', '*.dpkg-new', '*.dpkg-tmp', '*.rpmnew', '.pwd.lock'];

/** Who may log on and become whom, and what runs at boot or by the clock. The first rule that names a path is the one that reports it. */
const LINUX: readonly Task[] = [
  file('sudoers', '/etc/sudoers', CRITICAL_DIFF),
  directory('sudoers-d', '/etc/sudoers.d', { ...CRITICAL_DIFF, exclude: PASSING }),
  file('passwd', '/etc/passwd', HIGH_DIFF),
  file('group', '/etc/group', HIGH_DIFF),
  file('shadow', '/etc/shadow', HIGH),
  file('gshadow', '/etc/gshadow', HIGH),
  directory('pam', '/etc/pam.d', { ...HIGH_DIFF, exclude: PASSING }),
  directory('ssh', '/etc/ssh', { ...HIGH_DIFF, secrets: KEYS, exclude: PASSING }),
  directory('root-ssh', '/root/.ssh', { ...HIGH, exclude: ['known_hosts*'] }),
  file('crontab', '/etc/crontab', HIGH_DIFF),
  directory('cron-d', '/etc/cron.d', HIGH_DIFF),
  directory('cron-hourly', '/etc/cron.hourly', HIGH_DIFF),
  directory('cron-daily', '/etc/cron.daily', HIGH_DIFF),
  directory('cron-weekly', '/etc/cron.weekly', HIGH_DIFF),
  directory('cron-monthly', '/etc/cron.monthly', HIGH_DIFF),
  directory('cron-spool', '/var/spool/cron', { ...HIGH, exclude: ['tmp.*'] }),
  file('ld-so-preload', '/etc/ld.so.preload', CRITICAL_DIFF),
  directory('systemd-etc', '/etc/systemd', HIGH_DIFF),
  directory('systemd-lib', '/usr/lib/systemd'),
  directory('etc', '/etc', {
    exclude: [
      ...PASSING,
      '/etc/adjtime',
      '/etc/mtab',
      '/etc/ld.so.cache',
      // A laptop that roams gets another one with every network.
      '/etc/resolv.conf',
      '/etc/cups/subscriptions.conf*',
      '/etc/blkid.tab*',
    ],
  }),
  directory('bin', '/usr/bin', HIGH),
  directory('sbin', '/usr/sbin', HIGH),
  directory('local-bin', '/usr/local/bin', HIGH),
  directory('local-sbin', '/usr/local/sbin', HIGH),
  // Written with every start of the host by its own boot loader.
  directory('boot', '/boot', { ...HIGH, exclude: ['grubenv'] }),
];

const MACOS: readonly Task[] = [
  file('mac-sudoers', '/private/etc/sudoers', CRITICAL_DIFF),
  directory('mac-sudoers-d', '/private/etc/sudoers.d', CRITICAL_DIFF),
  directory('mac-pam', '/private/etc/pam.d', HIGH_DIFF),
  directory('mac-ssh', '/private/etc/ssh', { ...HIGH_DIFF, secrets: KEYS }),
  directory('mac-etc', '/private/etc', { exclude: [...PASSING, '/private/etc/resolv.conf'] }),
  directory('mac-root-ssh', '/private/var/root/.ssh', { ...HIGH, exclude: ['known_hosts*'] }),
  directory('mac-cron', '/private/var/at/tabs', HIGH),
  directory('launch-daemons', '/Library/LaunchDaemons', CRITICAL),
  directory('launch-agents', '/Library/LaunchAgents', HIGH),
  directory('startup-items', '/Library/StartupItems', HIGH),
  directory('privileged-helpers', '/Library/PrivilegedHelperTools', HIGH),
  directory('kernel-extensions', '/Library/Extensions', HIGH),
];

const CURRENT_VERSION = 'Microsoft\\Windows\\CurrentVersion';
const WINDOWS: readonly Task[] = [
  directory('hosts', 'C:\\Windows\\System32\\drivers\\etc', HIGH_DIFF),
  directory('drivers', 'C:\\Windows\\System32\\drivers', { ...HIGH, include: ['*.sys'] }),
  directory('system32', 'C:\\Windows\\System32', { ...HIGH, recursive: false, include: ['*.exe', '*.dll'] }),
  directory('tasks', 'C:\\Windows\\System32\\Tasks', HIGH),
  directory('group-policy', 'C:\\Windows\\System32\\GroupPolicy', HIGH),
  directory('start-menu', 'C:\\ProgramData\\Microsoft\\Windows\\Start Menu\\Programs\\StartUp', HIGH),
  directory('win-ssh', 'C:\\ProgramData\\ssh', { ...HIGH, secrets: KEYS, exclude: ['logs'] }),
  key('run', `HKLM\\SOFTWARE\\${CURRENT_VERSION}\\Run`),
  key('run-once', `HKLM\\SOFTWARE\\${CURRENT_VERSION}\\RunOnce`),
  key('run-32', `HKLM\\SOFTWARE\\WOW6432Node\\${CURRENT_VERSION}\\Run`),
  key('winlogon', 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon'),
  key('debuggers', 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options'),
  key('lsa', 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa'),
];

/** Rules for one system: others pass them over. */
const on = (system: string, tasks: readonly Task[]): Task[] =>
  tasks.map((task) => ({ ...task, params: { ...task.params, systems: [system] } }));

/**
 * Files that decide who may do what and what runs by itself (R200). Each host gets all of it and passes over the rules of other
 * systems; what it does not have is absent there, and is watched should it appear.
 */
export const fim: Manifest = {
  type: 'FIM',
  description: 'Accounts, rights, programs of the system and what starts by itself',
  tasks: [...on('linux', LINUX), ...on('darwin', MACOS), ...on('win32', WINDOWS)],
};
