import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createOwner, isGone, parseOwner } from '../../../src/admin/writing/lock-owner.js'

const onLinux = it.skipIf(process.platform !== 'linux')

describe('parseOwner', () => {
  it('reads what an owner writes', async () => {
    const owner = await createOwner()
    expect(parseOwner(`${JSON.stringify(owner)}\n`)).toEqual(owner)
  })

  it.each([undefined, '', '{', 'null', '{}', '{"pid": 1}', '[]', '{"pid": -1}'])(
    'is undefined for anything else: %j',
    (text) => {
      expect(parseOwner(text)).toBeUndefined()
    },
  )
})

describe('createOwner', () => {
  it('gives each lock a token of its own', async () => {
    const [one, two] = [await createOwner(), await createOwner()]
    expect(one).toEqual({ ...two, token: one.token })
    expect(one.token).not.toBe(two.token)
  })
})

describe('isGone', () => {
  it('knows that this process is there', async () => {
    expect(await isGone(await createOwner())).toBe(false)
  })

  onLinux('knows that a process has ended', async () => {
    const { pid } = spawnSync('true')
    expect(await isGone({ ...(await createOwner()), pid })).toBe(true)
  })

  onLinux('knows a process that only has the number of another one', async () => {
    expect(await isGone({ ...(await createOwner()), began: '1' })).toBe(true)
  })

  onLinux('knows a process that has ended and waits for its parent', async () => {
    // The child ends only when its parent is a program that never asks how it ended.
    const script = 'exec 3<&0; cat <&3 & echo $!; exec sleep 100'
    const parent = spawn('sh', ['-c', script])
    onTestFinished(() => void parent.kill('SIGKILL'))
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    const statOf = (id = 0) => readFile(`/proc/${id}/stat`, 'utf8')
    while (!(await statOf(parent.pid)).includes('(sleep)'));
    parent.stdin.end()
    while (!(await statOf(pid)).includes(') Z '));
    expect(await isGone({ ...(await createOwner()), pid })).toBe(true)
  })

  it('is certain of nothing in another container, on another machine, or after a restart', async () => {
    const { pid } = spawnSync('true')
    const owner = { ...(await createOwner()), pid }
    expect(await isGone({ ...owner, place: `${owner.place}0` })).toBe(false)
    expect(await isGone({ ...owner, place: '' })).toBe(false)
  })
})
