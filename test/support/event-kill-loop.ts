import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { SeededRandom } from './random.ts';
import { pause } from './site-driver.ts';
import type { WatchedSite } from './watched-site.ts';

/** Makes, changes, moves and deletes files and directories by chance until it is ended. */
const CHURN = `
const fs = require('node:fs');
const [root, seed] = process.argv.slice(1);
let state = Number(seed) >>> 0;
const below = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 2 ** 32) * n); };
const place = () => root + '/' + below(6) + '/' + below(40);
const attempt = (work) => { try { work(); } catch {} };
const WORKS = [
  () => fs.writeFileSync(place(), 'x'.repeat(below(5000))),
  () => fs.appendFileSync(place(), 'line\n'),
  () => fs.renameSync(place(), place()),
  () => fs.rmSync(place(), { recursive: true }),
  () => fs.chmodSync(place(), 0o600 + below(8)),
  () => fs.mkdirSync(place()),
  () => fs.symlinkSync('somewhere', place()),
  () => fs.linkSync(place(), place()),
  () => fs.renameSync(root + '/' + below(6), root + '/' + below(6)),
  () => fs.mkdirSync(root + '/' + below(6)),
];
const weights = [6, 4, 4, 2, 2, 1, 1, 1, 1, 3].flatMap((n, i) => Array(n).fill(i));
const turn = () => {
  for (let n = 0; n < 1 + below(20); n += 1) attempt(WORKS[weights[below(weights.length)]]);
  setTimeout(turn, below(60));
};
turn();
`;

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
  const churn = spawn(process.execPath, ['-e', CHURN, watched.tree, String(random.below(2 ** 31))], {
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
  { site, startAgent }: Pick<WatchedSite, 'site' | 'startAgent'>,
  random: SeededRandom,
  wanted: (typeof VICTIMS)[number],
): Promise<string> {
  const sensor = wanted === 'sensor' ? await sensorPid({ site }) : undefined;
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
  startAgent();
  return 'agent';
}

async function sensorPid({ site }: Pick<WatchedSite, 'site'>): Promise<number | undefined> {
  try {
    const pid = (await site.status()).sensor.pid ?? undefined;
    if (pid !== undefined) process.kill(pid, 0);
    return pid;
  } catch {
    return undefined; // The agent is starting, or the sensor is.
  }
}
