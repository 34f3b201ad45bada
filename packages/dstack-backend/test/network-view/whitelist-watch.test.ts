import { Agent } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createWhitelistClient,
  type AskWhitelist,
} from '../../src/network-view/whitelist-client.js'
import { createWhitelistWatch } from '../../src/network-view/whitelist-watch.js'
import { recordingLog } from '../_log.js'
import { manualTiming } from './_timing.js'
import { checkAnswer, startWhitelistServer, type Answer } from './_whitelist-server.js'

const PUBKEY = 'ab'.repeat(32)
const NOW = new Date(9_000)

let close: (() => Promise<void>) | undefined
afterEach(() => close?.())

async function setup(client: AskWhitelist) {
  const time = manualTiming()
  const { log } = await recordingLog()
  const options = { client, pubkey: PUBKEY, log, now: () => NOW, timing: time.timing }
  return { ...time, watch: createWhitelistWatch(options) }
}

describe('createWhitelistWatch', () => {
  it('asks at once, then about every ten minutes, and tells of each change', async () => {
    let next: Answer = checkAnswer('listed')
    const server = await startWhitelistServer(() => next)
    close = server.close
    const client = createWhitelistClient({ baseUrl: server.url }, new Agent({ pipelining: 0 }))
    const { watch, round, waits } = await setup(client)
    const changes: unknown[] = []
    watch.onChange(({ answer, problem }) => void changes.push(problem ?? answer?.value.code))
    expect(watch.state()).toEqual({})

    await round(watch.start)
    expect(waits).toEqual([600_000])
    expect(watch.state()).toEqual({ answer: { value: { code: 'listed' }, at: NOW } })
    next = checkAnswer('banned')
    await round()
    expect(watch.state()).toEqual({ answer: { value: { code: 'banned' }, at: NOW } })
    await server.close()
    await round()
    const problem = expect.stringMatching(/^the whitelist service refused the connection/) as string
    expect(watch.state()).toEqual({ answer: { value: { code: 'banned' }, at: NOW }, problem })
    expect(changes).toEqual(['listed', 'banned', problem])
  })

  it('gives a request ten seconds', async () => {
    const limits: number[] = []
    const { watch, round } = await setup(async (_pubkey, { timeoutMs }) => {
      limits.push(timeoutMs)
      return { kind: 'no_answer', request: 'GET /api/check', code: 'ETIMEDOUT' }
    })
    await round(watch.start)
    expect(limits).toEqual([10_000])
    expect(watch.state().problem).toMatch(/did not answer in time/)
  })

  it('ends a request under way when it stops, and learns nothing of it', async () => {
    const server = await startWhitelistServer(
      () => null,
      () => undefined,
    )
    close = server.close
    const client = createWhitelistClient({ baseUrl: server.url }, new Agent({ pipelining: 0 }))
    const { watch, waits } = await setup(client)
    watch.start()
    await server.received(1)
    watch.stop()
    await server.close()
    await new Promise(setImmediate)
    expect([watch.state(), waits]).toEqual([{}, []])
  })
})
