import { createHash } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { AllowlistState } from '../../src/list/allowlist-file.js'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { createListEditions, type FormatList } from '../../src/list/list-edition.js'
import { formatList, LIST_FORMATS } from '../../src/list/list-format.js'
import { bytesOf } from '../_bytes.js'
import { anyKeys, fileOf, isAllowed, NOW } from '../_lists.js'

const key = makeKey()
const other = makeKey()
const LOADED_AT = new Date('2026-01-02T03:04:05.678Z')
const FORMS = LIST_FORMATS.flatMap((format) => [false, true].map((gzip) => [format, gzip] as const))

function stateOf(file: Uint8Array | object, loadedAt = LOADED_AT): AllowlistState {
  const bytes = file instanceof Uint8Array ? file : bytesOf(JSON.stringify(file))
  const hash = createHash('sha256').update(bytes).digest('hex')
  return { allowlist: parseAllowlist(bytes), hash, loadedAt, problem: undefined }
}

const format =
  (): FormatList =>
  async (...order) =>
    formatList(...order)

/** The tags of all forms at one moment, as a node would tell them. */
function tagsOf(state: AllowlistState, now = NOW): string[] {
  const edition = createListEditions(format())(state, now)
  return FORMS.map((form) => edition.etag(...form))
}

const LIST = {
  pubkeys: [key.npub, other.hex],
  meta: { [key.hex]: { expires_at: NOW + 10 }, [other.hex]: { expires_at: NOW + 20 } },
}

describe('the tag of an edition', () => {
  it('is a strong validator', () => {
    for (const tag of tagsOf(stateOf(LIST))) expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/)
  })

  it('is another one for each form and encoding', () => {
    expect(new Set(tagsOf(stateOf(LIST))).size).toBe(FORMS.length)
  })

  it('is the same on two nodes, whenever they loaded the list and were asked', () => {
    const later = stateOf(LIST, new Date(NOW * 1000))
    expect(tagsOf(later, NOW + 9)).toEqual(tagsOf(stateOf(LIST), NOW - 1000))
    expect(tagsOf(later, NOW + 19)).toEqual(tagsOf(stateOf(LIST), NOW + 10))
  })

  it('is another one for each expiry that has passed', () => {
    const tags = [NOW + 9, NOW + 10, NOW + 20].map((now) => tagsOf(stateOf(LIST), now))
    expect(new Set(tags.flat()).size).toBe(3 * FORMS.length)
  })

  it('is another one for another list', () => {
    const changed = { ...LIST, banned: { [other.hex]: {} } }
    const tags = [...tagsOf(stateOf(LIST)), ...tagsOf(stateOf(changed))]
    expect(new Set(tags).size).toBe(2 * FORMS.length)
  })

  it('is the same for sorted forms of a list that is only spelled in another way', () => {
    const respelled = stateOf({ ...LIST, pubkeys: [other.npub, key.hex, key.npub] })
    const [file, packed, ...sorted] = tagsOf(respelled)
    const [oldFile, oldPacked, ...oldSorted] = tagsOf(stateOf(LIST))
    expect(sorted).toEqual(oldSorted)
    expect([file, packed]).not.toEqual([oldFile, oldPacked])
  })

  it('never stands for two different bodies', async () => {
    const bodies = new Map<string, string>()
    const anyTime = fc.integer({ min: NOW - 4, max: NOW + 4 })
    await fc.assert(
      fc.asyncProperty(anyKeys, anyTime, async (keys, now) => {
        const edition = createListEditions(format())(stateOf(fileOf(keys)), now)
        for (const form of FORMS) {
          const body = Buffer.from(await edition.body(...form)).toString('base64')
          const tag = edition.etag(...form)
          expect(bodies.get(tag) ?? body).toBe(body)
          bodies.set(tag, body)
        }
      }),
    )
  })
})

describe('an edition', () => {
  it('is kept until the list changes or a key expires', () => {
    const editionAt = createListEditions(format())
    const state = stateOf(LIST)
    const first = editionAt(state, NOW)
    expect(editionAt(state, NOW + 9)).toBe(first)
    // As when the file could not be read for a while.
    expect(editionAt({ ...state, problem: 'x' }, NOW + 9)).toBe(first)
    const second = editionAt(state, NOW + 10)
    expect(second).not.toBe(first)
    expect(editionAt(state, NOW + 19)).toBe(second)
    expect(editionAt(stateOf(LIST), NOW + 19)).not.toBe(second)
  })

  it('is that of the moment, also where time goes back', async () => {
    const times = fc.array(fc.integer({ min: NOW - 4, max: NOW + 4 }), { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(anyKeys, times, async (keys, moments) => {
        const editionAt = createListEditions(format())
        const state = stateOf(fileOf(keys))
        for (const now of moments) {
          const body = await editionAt(state, now).body('hex', false)
          const allowed = keys.filter((listed) => isAllowed(listed, now)).map(({ hex }) => hex)
          expect(JSON.parse(Buffer.from(body).toString())).toEqual({ pubkeys: allowed.toSorted() })
        }
      }),
    )
  })

  it('was modified when it was loaded, or when a key expired since', () => {
    const editionAt = createListEditions(format())
    const state = stateOf(LIST)
    expect(editionAt(state, NOW).lastModified).toBe('Fri, 02 Jan 2026 03:04:05 GMT')
    expect(editionAt(state, NOW + 12).lastModified).toBe(new Date((NOW + 10) * 1000).toUTCString())
  })

  it('writes each form once, however often it is asked for at once', async () => {
    const write = vi.fn(format())
    const editionAt = createListEditions(write)
    const state = stateOf(LIST)
    const ask = () => FORMS.map((form) => editionAt(state, NOW).body(...form))
    const bodies = await Promise.all([...ask(), ...ask(), ...ask()])
    expect(write).toHaveBeenCalledTimes(FORMS.length)
    expect(bodies.slice(FORMS.length)).toEqual([
      ...bodies.slice(0, FORMS.length),
      ...bodies.slice(0, FORMS.length),
    ])
    await editionAt(state, NOW + 10).body('hex', true)
    expect(write).toHaveBeenCalledTimes(FORMS.length + 1)
  })

  it('writes a form again after it could not, for whoever asks next', async () => {
    const write = vi.fn(format())
    write.mockRejectedValueOnce(new Error('no memory'))
    const editionAt = createListEditions(write)
    const state = stateOf(LIST)
    const ask = () => editionAt(state, NOW).body('text', false)
    await expect(Promise.all([ask(), ask()])).rejects.toThrow('no memory')
    expect(write).toHaveBeenCalledTimes(1)
    expect((await ask()).length).toBeGreaterThan(64)
    expect(write).toHaveBeenCalledTimes(2)
  })

  it('is let go when the next one is there', async () => {
    const editionAt = createListEditions(format())
    const isCollected = await collectedAfter(
      async () => {
        const edition = editionAt(stateOf(LIST), NOW)
        await edition.body('hex', false)
        return edition
      },
      () => editionAt(stateOf(LIST), NOW),
    )
    expect(isCollected).toBe(true)
  })
})

/** Whether what `make` makes is collected as garbage once `replace` has run. */
async function collectedAfter(make: () => Promise<object>, replace: () => unknown) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const made = new WeakRef(await make())
  collect()
  expect(made.deref()).toBeDefined()
  replace()
  // A reference that was followed stays until the end of the turn.
  await new Promise(setImmediate)
  collect()
  return made.deref() === undefined
}
