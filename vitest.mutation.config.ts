import { defineConfig } from 'vitest/config';

/** The unit tests as Stryker runs them: one flat project, since its runner knows nothing of several. */
export default defineConfig({
  test: { pool: 'forks', include: ['src/**/*.test.ts'], testTimeout: 20_000 },
});
