/** Mutation testing of the parts whose errors nobody would see: `npm run mutate [-- --mutate FILE]`. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: true },
  mutate: [
    'src/wire/*.ts',
    'src/shared/{conditions,profile,modules,ids}.ts',
    'src/main/queue/event-queue*.ts',
    'src/main/agent/{schedule,status,backoff}*.ts',
    'src/platform/correlation/versions/*.ts',
    '!src/**/*.test.ts',
  ],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  reporters: ['progress', 'clear-text', 'json'],
  jsonReporter: { fileName: 'reports/mutation.json' },
  thresholds: { high: 95, low: 90, break: 90 },
  ignorePatterns: ['dist', 'reports', '.wayfarer', 'docs'],
  tempDirName: '.stryker-tmp',
};
