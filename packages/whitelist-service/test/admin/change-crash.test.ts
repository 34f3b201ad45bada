import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { beforeAll, describe, expect, it } from 'vitest'
import { changeAllowlist } from '../../src/admin/change-allowlist.js'
import { recoverAllowlist } from '../../src/admin/writing/recover-allowlist.js'
import type { Allowlist } from '../../src/list/allowlist.js'
import { findKey } from '../../src/list/key-table.js'
import { makeList, type TestList } from './_lists.js'
import { keyOf, type WriterTask } from './_writer.js'
import { buildWriter, type Writer } from './_writers.js'

const LIST = `{"pubkeys": ["${'a'.repeat(64)}"], "banned": {"${'b'.repeat(64)}": {}}}\n`
const MODES: [string, boolean][] = [
  ['where another file is put in its place', false],
  ['where it is written in place', true],
]

let startWriter: (task: WriterTask) => Writer
beforeAll(async () => {
  startWriter = await buildWriter()
})

function taskFor({ path, auditFile }: TestList, more: Partial<WriterTask>): WriterTask {
  return { path, auditFile, name: 'a', count: 1, ...more }
}

/** Whether the change with this number was made. */
function has({ keys, banned }: Allowlist, name: string, number: number): boolean {
  return findKey(number % 2 === 0 ? keys : banned, keyOf(name, number)) !== -1
}

/** What has to be true of a list after any crash, before anybody else comes. */
async function expectWhole(list: TestList): Promise<Allowlist> {
  await recoverAllowlist(list, { lock: QUICK })
  const allowlist = await list.allowlist()
  expect(findKey(allowlist.keys, 'a'.repeat(64))).toBe(0)
  expect(findKey(allowlist.banned, 'b'.repeat(64))).toBe(0)
  return allowlist
}

/** The lock of a process that was killed is taken over at once, or these fail. */
const QUICK = { staleMs: 1e9, waitMs: 20_000 }

async function expectChangeable(list: TestList, inPlace: boolean): Promise<void> {
  const changes = [{ action: 'allow', pubkey: 'c'.repeat(64) } as const]
  const mountRoot = async () => (inPlace ? '/' : undefined)
  const request = { path: list.path, auditFile: list.auditFile, changes, by: 'me', now: new Date() }
  await changeAllowlist(request, { lock: QUICK, mountRoot })
  const names = (await list.names()).filter(
    (name) => !/^\.whitelist\.json\.lock\..*\.tmp$/.test(name),
  )
  expect(names).toEqual(['audit.jsonl', 'whitelist.json'])
}

async function countCalls(inPlace: boolean): Promise<number> {
  const writer = startWriter(taskFor(await makeList(LIST), { inPlace, dieAt: 0 }))
  await writer.exited
  return Number(/^calls (\d+)$/.exec(writer.lines().at(-1) ?? '')?.[1])
}

describe('a process that is killed', () => {
  it.each(MODES)('leaves a whole list, at whatever call it is, %s', async (_, inPlace) => {
    const calls = await countCalls(inPlace)
    expect(calls).toBeGreaterThan(20)
    const outcomes = new Set<boolean>()
    const dieAt = async (call: number) => {
      const list = await makeList(LIST)
      const writer = startWriter(taskFor(list, { inPlace, dieAt: call }))
      expect(await writer.exited).toEqual({ code: null, signal: 'SIGKILL' })
      const isDone = has(await expectWhole(list), 'a', 0)
      outcomes.add(isDone)
      // A change that was acknowledged is there; one that is there has its line.
      if (writer.lines().includes('done 0')) expect(isDone).toBe(true)
      if (isDone) expect((await list.audit()).map(({ pubkey }) => pubkey)).toContain(keyOf('a', 0))
      await expectChangeable(list, inPlace)
    }
    for (let call = 1; call <= calls; call += 4) {
      const few = [0, 1, 2, 3].map((more) => call + more).filter((one) => one <= calls)
      await Promise.all(few.map(dieAt))
    }
    expect([...outcomes].sort()).toEqual([false, true])
  })

  it.each(MODES)('loses nothing that was acknowledged, %s', async (_, inPlace) => {
    const list = await makeList(LIST)
    const acknowledged: [string, number][] = []
    for (let round = 0; round < 8; round += 1) {
      const names = [`${round}a`, `${round}b`]
      const writers = names.map((name) => startWriter(taskFor(list, { name, inPlace, count: 1e6 })))
      await Promise.all(writers.map((writer) => writer.printed(1)))
      // Anywhere in one of the next changes.
      await delay(Math.random() * 20)
      for (const writer of writers) writer.child.kill('SIGKILL')
      await Promise.all(writers.map((writer) => writer.exited))
      for (const [index, writer] of writers.entries()) {
        const numbers = writer.lines().map((line) => Number(/^done (\d+)$/.exec(line)?.[1]))
        acknowledged.push(
          ...numbers.map((number): [string, number] => [names[index] ?? '', number]),
        )
      }
      const allowlist = await expectWhole(list)
      const lost = acknowledged.filter(([name, number]) => !has(allowlist, name, number))
      expect(lost).toEqual([])
    }
    await expectChangeable(list, inPlace)
    const audited = new Set((await list.audit()).map(({ pubkey }) => pubkey))
    const missing = acknowledged.filter(([name, number]) => !audited.has(keyOf(name, number)))
    expect(missing).toEqual([])
  })
})

describe('a person who edits the list at the same time', () => {
  it('loses nothing, unless it is at the very last call before the change counts', async () => {
    const calls = await countCalls(false)
    const content = `{"pubkeys": ["${'d'.repeat(64)}"], "note": "mine"}\n`
    const lostBefore: string[] = []
    const editAt = async (at: number) => {
      const folder = join(await temporaryFolder(), 'list')
      await mkdir(folder)
      const list = await makeList(LIST, folder)
      const writer = startWriter(taskFor(list, { edit: { at, content } }))
      await writer.exited
      expect(writer.lines().join('; ')).toContain('done 0')
      const allowlist = await list.allowlist()
      const edited = /^edited before (.*)$/.exec(writer.lines()[0] ?? '')?.[1] ?? 'nothing'
      if (findKey(allowlist.keys, 'd'.repeat(64)) === -1) lostBefore.push(edited)
      else expect(await list.text()).toContain('"note": "mine"')
    }
    for (let call = 1; call <= calls; call += 4) {
      const few = [0, 1, 2, 3].map((more) => call + more).filter((one) => one <= calls)
      await Promise.all(few.map(editAt))
    }
    expect(lostBefore).toEqual(['rename'])
  })
})
