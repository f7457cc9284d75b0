import { afterAll, beforeAll, describe, it } from 'vitest';
import { Estate, notesIn } from '../support/estate.ts';
import { until } from '../support/until.ts';

/* A real collector watches the file that the manifests of this estate look at; nobody asks for a cycle. */

const estate = new Estate();
beforeAll(() => estate.start());
afterAll(() => estate.close());

describe('a file that manifests look at', () => {
  it('R026 R027 brings an early cycle when it changes, and the platform has what it says now', async () => {
    const agent = estate.agent({
      ...estate.settings(),
      WAYFARER_DEV_INTERVALS:
        'statusIntervalSec=1,deltaUploadIntervalSec=0,changeGapSec=0,retrySec=1,samplesApartSec=2',
    });
    agent.start();
    await estate.equal(agent);
    const hostId = (await agent.status()).identity.hostId ?? '';
    for (const line of ['changed once', 'changed twice']) {
      estate.write(line);
      await until(line, () => (notesIn(estate.rows(hostId, 'Inventory')).includes(line) ? true : undefined));
      await agent.logged(/configuration changed: \S+notes\.conf: early cycle of /);
    }
    await estate.equal(agent);
    await agent.close();
  });
});
