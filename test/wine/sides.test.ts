import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { because } from '../support/reason.ts';
import { noWine, Wine } from './support/wine.ts';

const Told = z.array(z.string());
const Outcome = z.object({
  atFirst: Told,
  opened: Told,
  again: Told,
  closed: Told,
  anew: Told,
  problems: z.array(z.unknown()),
  ports: z.tuple([z.number(), z.number()]),
  image: z.object({ path: z.string() }),
});

describe.skipIf(noWine !== undefined)(`sockets and mutexes of Windows, under Wine${because(noWine)}`, () => {
  let wine: Wine;
  beforeAll(async () => {
    wine = await Wine.open();
  });
  afterAll(() => wine.close());

  it('R201 are told of once each while they are there, the program that holds a socket with them', async () => {
    const { atFirst, opened, again, closed, anew, problems, ports, image } = Outcome.parse(
      await wine.run('sides'),
    );
    expect(image.path).toMatch(/\\bin\\node\.exe$/);
    expect(atFirst).toEqual([]);
    const [four, six] = ports;
    expect(opened).toEqual([
      // Wine knows the holder of a socket of TCP only after some calls, and over IPv6 never.
      expect.stringContaining(`listener_opened tcp 127.0.0.1 ${String(four)}`) as string,
      `listener_opened tcp ::1 ${String(six)}`,
      `listener_opened udp 127.0.0.1 5354 by ${image.path}`,
      'mutex_created \\BaseNamedObjects\\WayfarerGlobal',
      expect.stringMatching(/^mutex_created \\Sessions\\\d+\\BaseNamedObjects\\WayfarerInSession$/) as string,
    ]);
    expect([again, closed, problems]).toEqual([[], [], []]);
    expect(anew).toEqual([
      expect.stringMatching(/^mutex_created \\Sessions\\\d+\\BaseNamedObjects\\WayfarerInSession$/) as string,
    ]);
  });
});
