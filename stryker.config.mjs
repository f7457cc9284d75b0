/** Mutation testing of the parts whose errors nobody would see; `npm run mutate` chooses files and tests by group. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: JSON.parse(process.env['MUTATION_FILES'] ?? '[]'),
  coverageAnalysis: 'perTest',
  concurrency: 1,
  reporters: ['progress', 'json'],
  jsonReporter: { fileName: 'reports/mutation.json' },
  thresholds: { high: 95, low: 90, break: 90 },
  ignorePatterns: ['dist', 'reports', '.wayfarer', 'docs'],
  tempDirName: '.stryker-tmp',
};
