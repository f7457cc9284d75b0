import { describe } from 'vitest';
import { provesAgreementAfterKills } from '../support/kill-oracle.ts';

describe('200 random SIGKILLs over agent, collector and platform while the host changes', () => {
  provesAgreementAfterKills({ kills: 200, shippedManifests: true, deadlineMs: 20 * 60_000 });
});
