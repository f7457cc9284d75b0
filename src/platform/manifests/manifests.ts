import type { Manifest } from '../../shared/manifest.ts';
import { autoDiscovery } from './auto-discovery.ts';
import { edr } from './edr.ts';
import { fim } from './fim.ts';
import { inventory } from './inventory.ts';
import { middlewarePc } from './middleware-pc.ts';
import { patchAssessment } from './patch-assessment.ts';
import { policyCompliance } from './policy-compliance.ts';
import { sca } from './sca.ts';
import { udc } from './udc.ts';
import { vulnerability } from './vulnerability.ts';

/** The manifests that this platform issues (R210). */
export const MANIFESTS: readonly Manifest[] = [
  inventory,
  vulnerability,
  policyCompliance,
  udc,
  sca,
  autoDiscovery,
  middlewarePc,
  fim,
  edr,
  patchAssessment,
];
