import { describe, expect, it } from 'vitest';
import { inventory } from './inventory.ts';

describe('the manifest of the inventory', () => {
  it('R019 asks for hardware, software and active services', () => {
    const tables = new Set(inventory.tasks.map(({ table }) => table));
    const hardware = ['cpu', 'memory', 'disks', 'interfaces'];
    const software = ['deb', 'rpm', 'windows_programs', 'macos_apps'];
    for (const name of [...hardware, ...software, 'services']) expect(tables, name).toContain(name);
  });

  it('R020 asks for the names, addresses and system of the host', () => {
    const tables = new Set(inventory.tasks.map(({ table }) => table));
    for (const name of ['os_version', 'system_info', 'addresses', 'interfaces']) {
      expect(tables, name).toContain(name);
    }
  });
});
