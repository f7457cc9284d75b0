import { updatesLinux } from '../linux/available-updates.ts';
import { updatesMacos } from '../macos/available-updates.ts';
import type { TableSpec } from '../table.ts';
import { updatesWindows } from '../windows/available-updates.ts';

export const availableUpdatesTable: TableSpec = {
  name: 'available_updates',
  group: 'software',
  description:
    'Updates that the package managers of this host know of, by what they last downloaded themselves: nothing is refreshed, downloaded or installed.',
  key: 'package manager, package, architecture; for a manager that offers several of one, the version as well',
  columns: {
    package: 'package as its manager names it; title of an update of Windows',
    arch: 'architecture, null where the manager names none',
    installedVersion: 'version that is installed, null where the manager does not say',
    candidateVersion: 'version that the manager would install, by its own priorities and pins',
    repository: 'where it comes from, null where the manager does not say',
    security: 'whether it fixes a security issue, null where that is not known',
    held: 'whether somebody keeps the package from being updated',
    phased: 'whether it is still being rolled out step by step, so that this host may not take it yet',
    manager: 'apt, dnf, zypper, Windows Update, softwareupdate',
  },
  cost: 'medium',
  readers: { linux: updatesLinux, win32: updatesWindows, darwin: updatesMacos },
};
