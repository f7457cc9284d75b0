import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Files at a time. Vitest by itself leaves one core free, but most tests wait for something, not for a core. */
const WORKERS = Math.max(2, availableParallelism() - 1);

/**
 * Whole agents and platforms are several processes each, which mostly wait: with two files at a time a half of two cores was
 * idle, with more than three they would be late for each other's deadlines.
 */
const WORKERS_OF_PROCESSES = 3;

/** Programs that tests start are compiled once and not at each start, which was half of what a short one took (node(1)). */
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url)) };

/**
 * Integration tests that look at this machine as a whole, so that nothing else may run beside them: its processes and
 * packages, what it costs while idle, a cable that others would take for a change of their network.
 */
const ALONE = ['actors', 'collector', 'kill', 'process-events', 'roaming', 'sleep-and-metering'].map(
  (name) => `test/integration/${name}.test.ts`,
);

/** Unit tests stand beside their source; the other projects span rooms. `npm test` runs them in this order. */
export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/house/**/*.test.ts'],
          testTimeout: 20_000,
          env,
          maxWorkers: WORKERS,
          // A process per worker and not per file: starting them took a third of the time. A test leaves nothing behind.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: ALONE,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          env,
          maxWorkers: WORKERS_OF_PROCESSES,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration-alone',
          include: ALONE,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          env,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          sequence: { groupOrder: 3 },
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'deb',
          sequence: { groupOrder: 4 },
          include: ['test/deb/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false, // one dpkg database
        },
      },
      {
        extends: true,
        test: {
          name: 'wine',
          sequence: { groupOrder: 5 },
          include: ['test/wine/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false, // each has a Windows of its own, 700 MB
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          sequence: { groupOrder: 6 },
          include: ['test/long/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
