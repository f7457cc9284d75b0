import { describe } from 'vitest';
import { provesAgreementAfter } from '../support/agreement-oracle.ts';
import { killing } from '../support/scenario.ts';

describe('12 random SIGKILLs over agent, collector and platform while the host changes', () => {
  provesAgreementAfter(() => killing(12), { shippedManifests: false, deadlineMs: 120_000 });
});
