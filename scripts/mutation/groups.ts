/** What is mutated in one go, and the tests that must notice. */
export interface MutationGroup {
  readonly name: string;
  /** Globs of sources, from the root of the repository. */
  readonly mutate: readonly string[];
  /** Globs of tests: those that prove these sources without starting processes, so that a mutant costs little. */
  readonly tests: readonly string[];
}

const besideSource = (directory: string, names: string): Pick<MutationGroup, 'mutate' | 'tests'> => ({
  mutate: [`${directory}/{${names}}.ts`],
  tests: [`${directory}/{${names}}.test.ts`],
});

/** The parts whose errors nobody would see: codecs, contracts, decisions, comparators, decoders. */
export const GROUPS: readonly MutationGroup[] = [
  { name: 'shared', ...besideSource('src/shared', 'conditions,profile,modules,ids,weekly-windows') },
  {
    name: 'agent',
    mutate: [
      'src/main/agent/{backoff,blackout,demand,quiet-times,schedule,plan,status,clock-step,condition-book,fact-book,upload-progress,development,loop}.ts',
    ],
    tests: [
      'src/main/agent/{backoff,blackout,blackout-facts,demand,demand-facts,quiet-times,schedule,plan,status,clock-step,condition-book,fact-book,upload-progress,development,loop}.test.ts',
    ],
  },
  {
    name: 'queue',
    mutate: ['src/main/queue/{eviction,event-queue,event-statements,kv,commands}.ts'],
    tests: ['src/main/queue/{eviction,event-queue,event-queue-bounds,kv}.test.ts'],
  },
  {
    name: 'correlation',
    mutate: [
      'src/platform/correlation/ranges.ts',
      'src/platform/correlation/versions/*.ts',
      '!src/platform/correlation/versions/*.test.ts',
    ],
    tests: ['src/platform/correlation/ranges.test.ts', 'src/platform/correlation/versions/*.test.ts'],
  },
  {
    name: 'collector',
    mutate: ['src/collector/lines.ts', 'src/collector/macos/binary-plist.ts'],
    tests: ['src/collector/{lines,files}.test.ts', 'src/collector/macos/binary-plist*.test.ts'],
  },
  {
    name: 'fim',
    mutate: [
      'src/collector/fim/{glob,rule-set,coalescer,pending}.ts',
      'src/collector/fim/ledger/{net-change,record-bounds,rule-choice}.ts',
      'src/collector/edr/connector/{decode,gaps}.ts',
      'src/collector/fim/linux/decode.ts',
    ],
    tests: [
      'src/collector/fim/{glob,rule-set,coalescer,coalescer-moves}.test.ts',
      'src/collector/fim/ledger/{net-change,examine,record-bounds,rule-choice,ledger-rules}.test.ts',
      'src/collector/edr/connector/{decode,gaps}.test.ts',
      'src/collector/fim/linux/decode.test.ts',
    ],
  },
  {
    name: 'other-sources',
    mutate: [
      'src/collector/fim/windows/{usn,journal,audit-xml,audit-events,audit-log,audited-changes,writers}.ts',
      'src/collector/fim/windows/{registry-events,security-log,source}.ts',
      'src/collector/fim/macos/{es-message,es-events,actors,bounded-lines,private-paths}.ts',
      'src/collector/edr/{reported,registry-rules,dropped-programs}.ts',
    ],
    tests: [
      'src/collector/fim/windows/{usn,journal,audit-xml,audit-events,audit-log,writers}.test.ts',
      'src/collector/fim/windows/{registry-events,security-log,source}.test.ts',
      'src/collector/edr/{registry-rules,dropped-programs}.test.ts',
      'src/collector/fim/macos/{es-events,bounded-lines,eslogger}.test.ts',
    ],
  },
  // Last, since it takes longest: its tests prove invariants over hundreds of random values.
  { name: 'wire', mutate: ['src/wire/*.ts', '!src/wire/*.test.ts'], tests: ['src/wire/*.test.ts'] },
];
