import { defineConfig } from 'vitest/config';

/**
 * The unit tests as Stryker runs them: one flat project, since its runner knows nothing of several, and only the tests
 * of the group (`scripts/mutate.ts` names them), since each mutant runs those that reach it.
 */
const tests = process.env['MUTATION_TESTS'];

export default defineConfig({
  test: {
    pool: 'forks',
    include: tests === undefined ? ['src/**/*.test.ts'] : (JSON.parse(tests) as string[]),
    testTimeout: 20_000,
  },
});
