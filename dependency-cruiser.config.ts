import type { IConfiguration, IForbiddenRuleType } from 'dependency-cruiser';

/**
 * Who may import whom (docs/architecture.md, "Rooms"). `ROOMS` is the whole rule: a room may import itself, the rooms
 * named here, Node's built-ins where it has them, and packages.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  wire: ['shared'],
  collector: ['shared', 'wire'],
  main: ['shared', 'wire'],
  platform: ['shared', 'wire'],
  renderer: ['shared'],
};

/** Rooms without I/O: of Node only the named modules. */
const BUILTINS: Readonly<Record<string, string>> = {
  shared: '^$',
  wire: '^(node:)?(crypto|buffer)$',
  renderer: '^$',
};

const SOURCE = '^src/';
/** Tests, and what stands beside them for tests alone. */
const TEST = '\\.test\\.ts$|/testing/';

const roomRules: IForbiddenRuleType[] = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `${room}-imports-only-${allowed.length > 0 ? allowed.join('-') : 'itself'}`,
  comment: `src/${room} may import ${[room, ...allowed].join(', ')} and nothing else of src.`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: TEST },
  to: { path: SOURCE, pathNot: `^src/(${[room, ...allowed].join('|')})/` },
}));

const builtinRules: IForbiddenRuleType[] = Object.entries(BUILTINS).map(([room, modules]) => ({
  name: `${room}-does-no-io`,
  comment: `src/${room} is pure: of Node's modules it may use ${modules}.`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: TEST },
  to: { dependencyTypes: ['core'], pathNot: modules },
}));

export default {
  forbidden: [
    ...roomRules,
    ...builtinRules,
    {
      name: 'shared-needs-only-zod',
      severity: 'error',
      from: { path: '^src/shared/', pathNot: TEST },
      to: { path: 'node_modules', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'collector-has-no-network',
      comment: 'The collector reads the host; only the agent core talks to a platform.',
      severity: 'error',
      from: { path: '^src/collector/', pathNot: TEST },
      to: { path: '^(node:)?(http|https|http2|tls|dgram)$|node_modules/(undici|fastify|better-sqlite3)/' },
    },
    {
      name: 'electron-values-only-in-desktop',
      severity: 'error',
      from: { pathNot: '^src/main/desktop(/|\\.ts$)|^test/' },
      to: { path: '^electron$|node_modules/electron/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'source-does-not-import-tests',
      severity: 'error',
      from: { path: SOURCE, pathNot: TEST },
      to: { path: `^(test|bench)/|${TEST}|node_modules/(vitest|fast-check)/` },
    },
    {
      name: 'source-does-not-import-scripts',
      severity: 'error',
      from: { path: SOURCE },
      to: { path: '^scripts/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'every-import-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^electron$' },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: { path: SOURCE },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-development-packages-in-source',
      severity: 'error',
      from: { path: SOURCE, pathNot: TEST },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
} satisfies IConfiguration;
