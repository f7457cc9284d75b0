import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventKillLoop } from '../support/event-kill-loop.ts';
import { differences, listed, listing, type Listing } from '../support/listing.ts';
import { SeededRandom, seedOf } from '../support/random.ts';
import { because, noLinuxRoot } from '../support/reason.ts';
import { replay } from '../support/replay.ts';
import { runNode } from '../support/run.ts';
import { until } from '../support/until.ts';
import { WatchedSite } from '../support/watched-site.ts';

/** `WAYFARER_KILLS=1000` is the run whose result stands in docs/figures.md. */
const KILLS = Number(process.env['WAYFARER_KILLS'] ?? '60');

/** A file rests for half a minute at most, a sensor that ends often for a few minutes before it is started again. */
const SETTLED_MS = 600_000;

describe.skipIf(noLinuxRoot !== undefined)(
  `${String(KILLS)} random SIGKILLs over agent, sensor and platform while watched files change${because(noLinuxRoot)}`,
  () => {
    const watched = new WatchedSite();
    const random = new SeededRandom(seedOf(process.env));
    let before: Listing = new Map();
    let counts: Record<string, number> = {};

    beforeAll(async () => {
      await watched.start();
      before = listing(watched.tree);
      counts = await eventKillLoop(watched, random, KILLS);
    }, KILLS * 20_000);
    afterAll(async () => {
      console.log(
        `seed ${String(random.seed)}: killed ${JSON.stringify(counts)}, ${watched.changes().length} changes`,
      );
      await watched.close();
    });

    it(
      'R199 R200 what the platform stored leads from the listing before to the one after',
      async () => {
        await until(
          'the events account for what changed',
          () => {
            const inOrder = watched
              .changes()
              .toSorted((a, b) => a.wayfarer.chain.sequence - b.wayfarer.chain.sequence);
            const { listing: reached, impossible } = replay(before, inOrder, listed);
            const wrong = [...impossible, ...differences(listing(watched.tree), reached)];
            if (wrong.length > 0)
              throw new Error(`${String(wrong.length)}: ${wrong.slice(0, 20).join('\n')}`);
            return true;
          },
          SETTLED_MS,
        );
      },
      SETTLED_MS + 60_000,
    );

    it('R205 R316 every event is there once, in one chain without a gap', async () => {
      const changes = watched.changes();
      expect(new Set(changes.map(({ event }) => event.id)).size).toBe(changes.length);
      expect(new Set(changes.map(({ wayfarer }) => wayfarer.chain.id)).size).toBe(1);
      const sequences = changes.map(({ wayfarer }) => wayfarer.chain.sequence).toSorted((a, b) => a - b);
      expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      const verified = await runNode(['src/platform/cli.ts', 'events', 'verify'], watched.site.environment);
      expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    });

    it('the agent ends with nothing held back', async () => {
      const status = await watched.site.status();
      expect(status.sensor.pid).not.toBeNull();
      expect(status.conditions.filter(({ code }) => code.startsWith('EVENTS_'))).toEqual([]);
    });
  },
);
