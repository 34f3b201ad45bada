import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtFile } from '../src/built-program.js'
import { temporaryFolder } from '../src/test-tools/temporary-folder.js'

describe.each(['whitelist', 'backend'] as const)('dist/%s.js', (name) => {
  it('starts from the code cache that the build recorded', async () => {
    const run = /^script\.runInThisContext\(\).*$/m
    const built = await readFile(builtFile(name), 'utf8')
    expect(built).toMatch(run)
    const asking = join(await temporaryFolder(), 'asking.js')
    await writeFile(asking, built.replace(run, 'console.log(script.cachedDataRejected)'))
    expect(execFileSync(process.execPath, [asking], { encoding: 'utf8' })).toBe('false\n')
  })
})
