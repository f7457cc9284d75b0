import type { AgentEvent } from '../../src/shared/control.ts';
import { ControlClient } from '../../src/main/control/client.ts';
import { pause, VICTIMS, type SiteDriver } from './site-driver.ts';

/** What a kill follows, by chance soon after: an event of the agent, or nothing at all. */
type Moment = AgentEvent['name'] | 'any time';

/** A moment, how long after it the kill comes at most (ms), and how often the moment is chosen. */
const MOMENTS: readonly { readonly after: Moment; readonly withinMs: number; readonly weight: number }[] = [
  { after: 'any time', withinMs: 1_500, weight: 3 },
  { after: 'collecting', withinMs: 400, weight: 3 },
  { after: 'collected', withinMs: 40, weight: 2 },
  { after: 'chunk', withinMs: 40, weight: 3 },
  { after: 'uploaded', withinMs: 60, weight: 3 },
  { after: 'checked in', withinMs: 60, weight: 1 },
  { after: 'in sync', withinMs: 20, weight: 1 },
  { after: 'command', withinMs: 10, weight: 1 },
];
const DRAWN = MOMENTS.flatMap((moment) => Array.from({ length: moment.weight }, () => moment));

/** A moment that does not come is not waited for longer than this, ms. */
const PATIENCE_MS = 4_000;

/**
 * Kills agent, collector and platform of a site again and again, at moments that the random source chooses, starts what
 * was killed, changes packages of the host and asks for collections all the time. Both must run when it begins; both
 * run when it ends.
 */
export async function killLoop(driver: SiteDriver, kills: number): Promise<void> {
  for (let done = 0; done < kills; done += 1) await killOnce(driver);
}

async function killOnce(driver: SiteDriver): Promise<void> {
  const { random } = driver;
  const victim = random.pick(VICTIMS);
  const moment = random.pick(DRAWN);
  const delayMs = random.next() * moment.withinMs;
  const hostChanges = random.chance(0.5) ? driver.changeHost() : Promise.resolve();
  if (moment.after === 'command' || random.chance(0.05)) driver.giveCommand();
  const came = moment.after === 'any time' || (await untilEvent(driver, moment.after));
  // `late` counts the kills whose moment did not come.
  driver.count(`after ${came ? moment.after : 'late'}`);
  await pause(delayMs);
  await driver.look();
  await driver.kill(victim);
  await hostChanges;
}

/** Waits for the next event of a kind while asking for collections; `false` when it did not come in time. */
async function untilEvent({ site }: SiteDriver, name: string): Promise<boolean> {
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  while (!deadline.aborted) {
    try {
      const lines = new ControlClient(site.paths.readEndpoint).watch(deadline);
      for await (const line of lines) {
        if (line.kind === 'snapshot') await site.cycle();
        else if (line.kind === 'event' && line.event.name === name) return true;
      }
    } catch {
      // It is starting: the next attempt finds it.
    }
    await pause(30);
  }
  return false;
}
