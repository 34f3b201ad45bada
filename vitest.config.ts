import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    // Whole processes and real files: generous, because the limit only exists to end a hang.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    // Without it the style of the pages would be an empty text.
    css: true,
    coverage: {
      provider: 'v8',
      include: ['packages/{service-kit,whitelist-service,dstack-backend}/src/**/*.ts'],
    },
  },
})
