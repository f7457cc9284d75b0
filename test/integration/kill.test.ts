import { describe } from 'vitest';
import { provesAgreementAfterKills } from '../support/kill-oracle.ts';

describe('12 random SIGKILLs over agent, collector and platform while the host changes', () => {
  provesAgreementAfterKills({ kills: 12, shippedManifests: false, deadlineMs: 120_000 });
});
