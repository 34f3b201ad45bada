import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

export default defineConfig(
  { ignores: ['**/dist/', 'coverage/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Fastify handlers are async by convention, with or without an await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      eqeqeq: 'error',
      'no-console': 'error',
      // TypeScript knows what is defined, in the scripts too.
      'no-undef': 'off',
    },
  },
  {
    // Only the entries touch the process; everything else is handed what it needs.
    files: ['packages/{service-kit,whitelist-service,dstack-backend}/src/**'],
    ignores: ['**/src/whitelist.ts', '**/src/backend.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Read the environment in the entry.' },
        { object: 'process', property: 'exit', message: 'Exit in the entry.' },
      ],
    },
  },
  {
    // What runs in the browser: classic scripts, which share one scope.
    files: ['**/page/browser/*.js'],
    languageOptions: { sourceType: 'script' },
    rules: { '@typescript-eslint/no-unused-vars': ['error', { vars: 'local' }] },
  },
  {
    // Programs for developers speak to their terminal.
    files: ['scripts/**', 'packages/testbed/src/bench/**'],
    rules: { 'no-console': 'off' },
  },
)
