import { startPlatform } from '../../src/platform/platform.ts';
import { MANIFESTS } from '../../src/platform/manifests/manifests.ts';
import { SAMPLE_ADVISORIES } from '../../src/platform/paths.ts';

/*
 * The embedded platform with its own manifests, less the tables that need two samples 10 s apart: an agent that is
 * killed every other second would never come to the end of them. Run: node quick-platform.ts DATA_DIRECTORY [HOST]
 */

const TWO_SAMPLES = new Set(['processes', 'listening_ports']);

const manifests = MANIFESTS.map((manifest) => ({
  ...manifest,
  tasks: manifest.tasks.filter((task) => !TWO_SAMPLES.has(task.table)),
}));

const [dataDir, host] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('usage: quick-platform.ts DATA_DIRECTORY [HOST]');
const platform = await startPlatform({
  dataDir,
  ...(host !== undefined && { host }),
  manifests,
  advisoriesDir: SAMPLE_ADVISORIES,
  log: (level, message) => {
    process.stderr.write(`${new Date().toISOString()} [${level}] ${message}\n`);
  },
});
const { url, caFile, platformKey } = platform;
process.stdout.write(`${JSON.stringify({ url, caFile, platformKey })}\n`);
process.once('SIGTERM', () => {
  void platform.close().then(() => process.exit(0));
});
