import { bindTable, type Table } from '../bind.ts';
import { osVersionTable } from './os_version.ts';
import { systemInfoTable } from './system_info.ts';
import { cpuTable } from './cpu.ts';
import { memoryTable } from './memory.ts';
import { disksTable } from './disks.ts';
import { mountsTable } from './mounts.ts';
import { diskEncryptionTable } from './disk_encryption.ts';
import { timezoneTable } from './timezone.ts';
import { batteryTable } from './battery.ts';
import { interfacesTable } from './interfaces.ts';
import { addressesTable } from './addresses.ts';
import { routesTable } from './routes.ts';
import { dnsTable } from './dns.ts';
import { wifiTable } from './wifi.ts';
import { listeningPortsTable } from './listening_ports.ts';
import { debTable } from './deb.ts';
import { rpmTable } from './rpm.ts';
import { apkTable } from './apk.ts';
import { snapTable } from './snap.ts';
import { flatpakTable } from './flatpak.ts';
import { windowsProgramsTable } from './windows_programs.ts';
import { windowsHotfixesTable } from './windows_hotfixes.ts';
import { msiProductsTable } from './msi_products.ts';
import { macosAppsTable } from './macos_apps.ts';
import { pkgReceiptsTable } from './pkg_receipts.ts';
import { homebrewTable } from './homebrew.ts';
import { pythonTable } from './python.ts';
import { npmGlobalTable } from './npm_global.ts';
import { gemTable } from './gem.ts';
import { browserExtensionsTable } from './browser_extensions.ts';
import { availableUpdatesTable } from './available_updates.ts';
import { processesTable } from './processes.ts';
import { servicesTable } from './services.ts';
import { startupItemsTable } from './startup_items.ts';
import { scheduledTasksTable } from './scheduled_tasks.ts';
import { kernelModulesTable } from './kernel_modules.ts';
import { containersTable } from './containers.ts';
import { usersTable } from './users.ts';
import { groupsTable } from './groups.ts';
import { loggedOnUsersTable } from './logged_on_users.ts';
import { sudoersTable } from './sudoers.ts';
import { passwordPolicyTable } from './password_policy.ts';
import { fileTable } from './file.ts';
import { configLineTable } from './config_line.ts';
import { sysctlTable } from './sysctl.ts';
import { certificateTable } from './certificate.ts';
import { registryTable } from './registry.ts';
import { plistTable } from './plist.ts';

/** Every table of this build, in the order in which the documentation shows them. */
export const TABLES: readonly Table[] = [
  bindTable(osVersionTable),
  bindTable(systemInfoTable),
  bindTable(cpuTable),
  bindTable(memoryTable),
  bindTable(disksTable),
  bindTable(mountsTable),
  bindTable(diskEncryptionTable),
  bindTable(timezoneTable),
  bindTable(batteryTable),
  bindTable(interfacesTable),
  bindTable(addressesTable),
  bindTable(routesTable),
  bindTable(dnsTable),
  bindTable(wifiTable),
  bindTable(listeningPortsTable),
  bindTable(debTable),
  bindTable(rpmTable),
  bindTable(apkTable),
  bindTable(snapTable),
  bindTable(flatpakTable),
  bindTable(windowsProgramsTable),
  bindTable(windowsHotfixesTable),
  bindTable(msiProductsTable),
  bindTable(macosAppsTable),
  bindTable(pkgReceiptsTable),
  bindTable(homebrewTable),
  bindTable(pythonTable),
  bindTable(npmGlobalTable),
  bindTable(gemTable),
  bindTable(browserExtensionsTable),
  bindTable(availableUpdatesTable),
  bindTable(processesTable),
  bindTable(servicesTable),
  bindTable(startupItemsTable),
  bindTable(scheduledTasksTable),
  bindTable(kernelModulesTable),
  bindTable(containersTable),
  bindTable(usersTable),
  bindTable(groupsTable),
  bindTable(loggedOnUsersTable),
  bindTable(sudoersTable),
  bindTable(passwordPolicyTable),
  bindTable(fileTable),
  bindTable(configLineTable),
  bindTable(sysctlTable),
  bindTable(certificateTable),
  bindTable(registryTable),
  bindTable(plistTable),
];

const BY_NAME = new Map(TABLES.map((table) => [table.name, table]));

/** The table of a name, or `undefined` where this build has none. */
export function tableNamed(name: string): Table | undefined {
  return BY_NAME.get(name);
}
