import type { Manifest } from '../../shared/manifest.ts';
import { table } from './tasks.ts';

/** Updates that the package managers of the host offer (R171). Never an installation: an assessment alone. */
export const patchAssessment: Manifest = {
  type: 'PatchAssessment',
  description: 'Updates that are available, by package manager, and whether they fix security issues',
  tasks: [table('os_version'), table('available_updates')],
};
