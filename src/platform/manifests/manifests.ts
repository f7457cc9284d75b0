import type { Manifest } from '../../shared/manifest.ts';
import { autoDiscovery } from './auto-discovery.ts';
import { inventory } from './inventory.ts';
import { middlewarePc } from './middleware-pc.ts';
import { patchAssessment } from './patch-assessment.ts';
import { policyCompliance } from './policy-compliance.ts';
import { sca } from './sca.ts';
import { udc } from './udc.ts';
import { vulnerability } from './vulnerability.ts';

/** The manifests that this platform issues. FIM and EDR have none yet: agents are told so with `NO_MANIFEST`. */
export const MANIFESTS: readonly Manifest[] = [
  inventory,
  vulnerability,
  policyCompliance,
  udc,
  sca,
  autoDiscovery,
  middlewarePc,
  patchAssessment,
];
