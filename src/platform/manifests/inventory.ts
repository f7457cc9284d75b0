import type { Manifest } from '../../shared/manifest.ts';
import { SOFTWARE_TABLES, table } from './tasks.ts';

const SYSTEM = [
  'os_version',
  'system_info',
  'cpu',
  'memory',
  'disks',
  'mounts',
  'disk_encryption',
  'timezone',
  'interfaces',
  'addresses',
  'routes',
  'dns',
  'wifi',
  'battery',
];
const RUNTIME = [
  'processes',
  'listening_ports',
  'services',
  'startup_items',
  'scheduled_tasks',
  'kernel_modules',
  'containers',
];
const IDENTITY = ['users', 'groups', 'logged_on_users', 'sudoers', 'password_policy'];

/** Hardware, software, active services, accounts, network (R019, R020). */
export const inventory: Manifest = {
  type: 'Inventory',
  description: 'What the host is, what is installed, what runs, who may log on',
  tasks: [...SYSTEM, ...SOFTWARE_TABLES, ...RUNTIME, ...IDENTITY].map(table),
};
