import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Commands run without a shell, so that no name from a host, a manifest or a platform is ever parsed by one. */
const NO_SHELL = [
  {
    selector: "Property[key.name='shell'][value.value=true]",
    message: 'No shell: pass a program and its arguments.',
  },
  {
    selector: "ImportDeclaration[source.value='child_process']",
    message: "Write 'node:child_process'.",
  },
  {
    selector: "MemberExpression[object.name='childProcess'][property.name=/^exec(Sync)?$/]",
    message: 'No shell: use execFile or spawn.',
  },
];

/** Time and chance come in from outside here, so that tests can step them. */
const INJECTED = [
  {
    selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    message: 'Take the random source as an argument.',
  },
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'Take the clock as an argument.',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Take the clock as an argument.',
  },
  {
    selector: "CallExpression[callee.object.name='performance'][callee.property.name='now']",
    message: 'Take the clock as an argument.',
  },
];

const NO_DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: one thing, one name everywhere.',
};

export default tseslint.config(
  {
    ignores: ['node_modules', 'dist', 'reports', '.stryker-tmp', '.wayfarer', 'coverage'],
  },
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: globals.node },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:child_process',
              importNames: ['exec', 'execSync', 'default'],
              message: 'No shell: use execFile or spawn.',
            },
          ],
        },
      ],
      'no-restricted-syntax': ['error', ...NO_SHELL, NO_DEFAULT_EXPORT],
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['src/shared/**/*.ts', 'src/wire/**/*.ts', 'src/main/agent/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', ...NO_SHELL, NO_DEFAULT_EXPORT, ...INJECTED] },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      // A property test or a scripted day is one story; splitting it by length helps nobody.
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      // What a test has just put there is there; the assertion that follows is the check.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // Tools read their configuration from a default export.
    files: ['*.config.ts'],
    rules: { 'no-restricted-syntax': ['error', ...NO_SHELL] },
  },
);
