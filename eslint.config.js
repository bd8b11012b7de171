import tseslint from 'typescript-eslint'

const PURE_ROOMS = [
  'base',
  'address',
  'wire',
  'crypto',
  'noise',
  'ledger',
  'topology',
  'ipam',
  'names',
  'overlay',
  'peer',
  'node',
]

const AMBIENT = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'process',
  'console',
  'crypto',
  'fetch',
]

const MAKE_IT_AN_ARGUMENT = 'Layers 0 to 3 are synchronous and draw nothing from around them: make it an argument.'

export default tseslint.config(
  { ignores: ['build*/**', 'prebuilds/**', 'node_modules/**', 'test/fixtures/**'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': ['error', { max: 450, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
    },
  },
  {
    files: PURE_ROOMS.map(room => `lib/${room}/**/*.ts`),
    rules: {
      'no-restricted-globals': ['error', ...AMBIENT.map(name => ({ name, message: MAKE_IT_AN_ARGUMENT }))],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: MAKE_IT_AN_ARGUMENT },
        { object: 'globalThis', message: MAKE_IT_AN_ARGUMENT },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: MAKE_IT_AN_ARGUMENT },
        { selector: 'AwaitExpression, ForOfStatement[await=true]', message: MAKE_IT_AN_ARGUMENT },
        { selector: 'NewExpression[callee.name="Promise"]', message: MAKE_IT_AN_ARGUMENT },
        { selector: 'ImportExpression', message: MAKE_IT_AN_ARGUMENT },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // tap's subtests are awaited by their parent, not by the caller.
      '@typescript-eslint/no-floating-promises': 'off',
    },
  },
  { files: ['lib/cli/**', 'scripts/**', 'test/**'], rules: { 'no-console': 'off' } },
)
