import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SensorState } from '../../src/shared/sensor.ts';
import { because } from '../support/reason.ts';
import { noWine, Wine } from './support/wine.ts';

const Told = z.object({
  told: z.array(z.string()),
  impossible: z.array(z.string()),
  detected: z.array(z.string()),
  faults: z.array(z.string()),
});
const Outcome = z.object({ state: SensorState, live: Told, late: Told });

/*
 * The sensor as the agent starts it: ledger, SQLite, file watcher. Wine has no change journal and no Security log, so that it
 * stands on the watcher as it does on Windows where the rights are missing.
 */
describe.skipIf(noWine !== undefined)(`the sensor on Windows, under Wine${because(noWine)}`, () => {
  let wine: Wine;
  beforeAll(async () => {
    wine = await Wine.open();
  });
  afterAll(() => wine.close());

  it('R200 R208 accounts for what changed while it watched and while it was killed, and says what it lacks', async () => {
    const { state, live, late } = Outcome.parse(await wine.run('sensor'));
    expect(state.fim).toMatchObject({
      actor: 'unknown',
      rules: [{ path: 'C:\\watched', state: 'watching' }],
      mounts: expect.arrayContaining([
        { mount: 'C:\\watched', filesystem: 'unknown', method: 'file watcher' },
      ]) as object,
    });
    expect(state.problems).toMatchObject([
      { code: 'FIM_NO_ACTOR', text: expect.stringContaining('no change journal') as string },
    ]);
    expect(live).toMatchObject({ impossible: [], faults: [] });
    expect(live.detected).toContain('live');
    expect(live.told).toContain('created Renamed äöü ☃ 𝄞.txt');
    expect(late).toMatchObject({ impossible: [], faults: [] });
    // What was heard live and not looked at before the kill is looked at now.
    expect(late.detected).not.toEqual(['live']);
    expect(late.told).toContain('created late.txt');
  });
});
