import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FimEvent } from '../../src/shared/host-events.ts';
import { because } from '../support/reason.ts';
import { noWine, Wine } from './support/wine.ts';

const Outcome = z.object({
  first: z.array(FimEvent),
  second: z.array(FimEvent),
  faults: z.array(z.string()),
});

const brief = ({ event, file, registry }: FimEvent): string =>
  [event.action, file.path.replace(/S-1-5-21-[\d-]+/, 'SID'), ...(registry?.data?.strings ?? [])].join(' ');

/* Wine has no Security log: what nobody tells is found by looking. */
describe.skipIf(noWine !== undefined)(`values of the registry, under Wine${because(noWine)}`, () => {
  let wine: Wine;
  beforeAll(async () => {
    wine = await Wine.open();
  });
  afterAll(() => wine.close());

  it('R200 R206 that changed while the sensor did not run are told by the whole sensor, secrets left out', async () => {
    const { first, second, faults } = Outcome.parse(await wine.run('registry-values'));
    expect([first, faults]).toEqual([[], []]);
    expect(second.map(brief).sort()).toEqual([
      'created HKLM\\SOFTWARE\\WayfarerTest\\DefaultPassword',
      'created HKLM\\SOFTWARE\\WayfarerTest\\New %25TEMP%25',
      'deleted HKLM\\SOFTWARE\\WayfarerTest\\Below\\Deep\\äöü ☃',
      'deleted HKLM\\SOFTWARE\\WayfarerTest\\Gone',
      'updated HKLM\\SOFTWARE\\WayfarerTest\\Text second --password=[redacted]',
      'updated HKU\\SID\\Software\\WayfarerTest\\Run C:\\second.exe',
    ]);
    for (const { wayfarer } of second) {
      expect(wayfarer).toMatchObject({ detected: 'baseline', actor: { state: 'unknown' } });
    }
    expect(JSON.stringify(second)).not.toContain('hunter2');
  });
});
