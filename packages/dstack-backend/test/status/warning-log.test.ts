import { describe, expect, it } from 'vitest'
import type { Warning } from '../../src/status/node-facts.js'
import { createWarningLog } from '../../src/status/warning-log.js'
import { recordingLog } from '../_log.js'

const NO_ADDRESS: Warning = { code: 'no_address', message: 'no address', nextStep: 'Set one.' }
const missing = (seen: number): Warning => ({
  code: 'gpus_missing',
  message: `${seen} of 8 GPUs`,
  nextStep: 'Reseat the card.',
})

/** Tells the warnings of each moment; gives what was logged after each. */
async function logOf(...moments: Warning[][]): Promise<string[][]> {
  const { log, lines } = await recordingLog()
  const update = createWarningLog(log)
  return moments.map((warnings) => {
    update(warnings)
    return lines.splice(0).map((line) => {
      const { level, msg } = JSON.parse(line) as { level: string; msg: string }
      return `${level}: ${msg}`
    })
  })
}

describe('the log of warnings', () => {
  it('tells a warning once, with its code and what to do', async () => {
    const { log, lines } = await recordingLog()
    const update = createWarningLog(log)
    update([NO_ADDRESS])
    update([NO_ADDRESS])
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'warn', code: 'no_address', next_step: 'Set one.', msg: 'no address' },
    ])
  })

  it('tells when one is over, and when it comes back', async () => {
    expect(await logOf([NO_ADDRESS], [], [], [NO_ADDRESS])).toEqual([
      ['warn: no address'],
      ['info: over: no address'],
      [],
      ['warn: no address'],
    ])
  })

  it('tells a message that changes as a new one, not as an end', async () => {
    expect(await logOf([missing(7)], [missing(6)], [missing(6)], [])).toEqual([
      ['warn: 7 of 8 GPUs'],
      ['warn: 6 of 8 GPUs'],
      [],
      ['info: over: 6 of 8 GPUs'],
    ])
  })

  it('does not take a VMM that lists nothing for the end of a warning about its GPUs', async () => {
    const down: Warning = { code: 'dstack_connect', message: 'down', nextStep: 'Start it.' }
    expect(await logOf([missing(7)], [down], [missing(7)], [down], [])).toEqual([
      ['warn: 7 of 8 GPUs'],
      [],
      [],
      [],
      ['info: over: 7 of 8 GPUs'],
    ])
  })

  it('keeps them apart', async () => {
    expect(await logOf([NO_ADDRESS, missing(7)], [missing(7)])).toEqual([
      ['warn: no address', 'warn: 7 of 8 GPUs'],
      ['info: over: no address'],
    ])
  })

  it('leaves the VMM to the monitor', async () => {
    const down: Warning = { code: 'dstack_connect', message: 'down', nextStep: 'Start it.' }
    expect(await logOf([down], [])).toEqual([[], []])
  })
})
