import { systemInfoLinux } from '../linux/system-info.ts';
import { systemInfo as systemInfoWindows } from '../windows/system.ts';
import { systemInfo as systemInfoMacos } from '../macos/system.ts';
import type { TableSpec } from '../table.ts';

export const systemInfoTable: TableSpec = {
  name: 'system_info',
  group: 'system',
  description: 'What machine this is and what it calls itself.',
  key: 'the constant `system`',
  columns: {
    vendor: 'manufacturer',
    model: 'model name',
    serial: 'serial number',
    uuid: 'system UUID, lower case',
    chassis: 'kind of chassis in words',
    virtualization: 'name of the hypervisor or container, null on bare metal',
    hostname: 'host name without domain',
    fqdn: 'fully qualified name; the host name where there is none',
    netbiosName: 'NetBIOS name: up to 15 characters, upper case',
    kernel: 'kernel release',
    arch: 'architecture of the kernel',
    firmwareVendor: 'vendor of BIOS or UEFI',
    firmwareVersion: 'version of BIOS or UEFI',
  },
  cost: 'low',
  readers: { linux: systemInfoLinux, win32: systemInfoWindows, darwin: systemInfoMacos },
};
