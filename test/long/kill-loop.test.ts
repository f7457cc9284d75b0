import { describe } from 'vitest';
import { provesAgreementAfter } from '../support/agreement-oracle.ts';
import { killing } from '../support/scenario.ts';

describe('200 random SIGKILLs over agent, collector and platform while the host changes', () => {
  provesAgreementAfter(() => killing(200), { shippedManifests: true, deadlineMs: 20 * 60_000 });
});
