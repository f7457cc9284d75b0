import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SeededRandom } from './random.ts';
import { pause } from './site-driver.ts';
import type { Site } from './site.ts';
import type { WatchedSite } from './watched-site.ts';

/** Changes files by chance until it is ended. */
const CHURN = fileURLToPath(import.meta.resolve('./churn-process.ts'));

const VICTIMS = ['agent', 'sensor', 'sensor', 'platform'] as const;

/** How long a platform stays away at most, ms, and the longest time between two kills. */
const AWAY_MS = 800;
const BETWEEN_MS = 2_500;

/**
 * Kills agent, sensor and platform again and again while files of the watched tree change all the time, and starts what was
 * killed; the agent itself starts the sensor. All run when it ends, and nothing changes any more. Returns how often each was
 * killed.
 */
export async function eventKillLoop(
  watched: WatchedSite,
  random: SeededRandom,
  kills: number,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const churn = spawn(process.execPath, [CHURN, watched.tree, String(random.below(2 ** 31))], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(churn, 'exit');
  try {
    for (let done = 0; done < kills; done += 1) {
      await pause(random.next() * BETWEEN_MS);
      const victim = await kill(watched, random, random.pick(VICTIMS));
      counts[victim] = (counts[victim] ?? 0) + 1;
    }
  } finally {
    churn.kill();
    await ended;
  }
  return counts;
}

/** Kills one of them; the agent where there is no sensor at that moment. Returns who it was. */
async function kill(
  watched: WatchedSite,
  random: SeededRandom,
  wanted: (typeof VICTIMS)[number],
): Promise<string> {
  const { site } = watched;
  const sensor = wanted === 'sensor' ? await sensorPid(site) : undefined;
  if (sensor !== undefined) {
    process.kill(sensor, 'SIGKILL');
    return 'sensor';
  }
  if (wanted === 'platform') {
    await site.end('platform', 'SIGKILL');
    await pause(random.next() * AWAY_MS);
    await site.startPlatform();
    return 'platform';
  }
  await site.end('agent', 'SIGKILL');
  watched.startAgent();
  return 'agent';
}

async function sensorPid(site: Site): Promise<number | undefined> {
  try {
    const pid = (await site.status()).sensor.pid ?? undefined;
    if (pid !== undefined) process.kill(pid, 0);
    return pid;
  } catch {
    return undefined; // The agent is starting, or the sensor is.
  }
}
