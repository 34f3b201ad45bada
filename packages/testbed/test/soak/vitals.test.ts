import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { builtFile, startBuiltProgram } from '../../src/built-program.js'
import { describeVitals, isSettled, readVitals } from '../../src/soak/vitals.js'
import { temporaryFolder } from '../../src/test-tools/temporary-folder.js'

const BEFORE = { atS: 0, residentMb: 70, heapMb: 10, files: 20, timers: 10, sockets: 5 }

/** A program that sets so many timers, which keep nothing alive, and listens. */
const programWith = (timers: number) => `
  globalThis.kept = Array.from({ length: ${timers} }, () => setTimeout(() => {}, 60_000).unref())
  require('http').createServer().listen(0, '127.0.0.1', () => console.log('{"url":"http://it"}'))
`

async function vitalsOf(timers: number) {
  const file = join(await temporaryFolder(), 'program.js')
  await writeFile(file, programWith(timers))
  const program = startBuiltProgram('backend', {
    file: builtFile('backend').replace(/dist\/backend.js$/, 'packages/testbed/dist/soak-probe.js'),
    args: [file],
  })
  onTestFinished(program.stop)
  await program.url
  const { probe } = JSON.parse(program.output().split('\n')[0] ?? '') as { probe: string }
  return readVitals({ pid: program.child.pid ?? 0, probe }, 1)
}

describe('readVitals', () => {
  it('sees what lives in a process, also timers that keep nothing alive', async () => {
    const [none, many] = await Promise.all([vitalsOf(0), vitalsOf(50)])
    expect(many.timers - none.timers).toBeGreaterThan(45)
    expect(many.atS).toBe(1)
    expect(many.files).toBeGreaterThan(0)
    expect(many.sockets).toBeGreaterThan(0)
    expect(many.heapMb).toBeGreaterThan(1)
    expect(many.residentMb).toBeGreaterThan(many.heapMb)
  })
})

describe('isSettled', () => {
  it('is true where nothing more is open than before, however much memory is in use', () => {
    expect(isSettled({ ...BEFORE, residentMb: 90, heapMb: 20 }, BEFORE)).toBe(true)
  })

  it.each(['files', 'timers', 'sockets'] as const)('is false with more %s', (vital) => {
    expect(isSettled({ ...BEFORE, [vital]: BEFORE[vital] + 1 }, BEFORE)).toBe(false)
  })
})

describe('describeVitals', () => {
  it('is one line', () => {
    expect(describeVitals({ ...BEFORE, atS: 12.4 })).toBe(
      '   12 s  resident 70.0 MB  heap 10.0 MB  files 20  sockets 5  timers 10',
    )
  })
})
