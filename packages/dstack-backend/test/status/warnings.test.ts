import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeFailure } from '../../src/backend-info.js'
import type { DstackFailure } from '../../src/dstack/dstack-client.js'
import { WARNING_CODES, type NodeFacts } from '../../src/status/node-facts.js'
import { findWarnings } from '../../src/status/warnings.js'
import { listing, makeFacts, makeGpus, OWNER, sampleOf, THEN } from '../_facts.js'

function codesOf(other: Partial<NodeFacts>): string[] {
  return findWarnings(makeFacts(other)).map(({ code }) => code)
}

const FAILURES: DstackFailure[] = ['connect', 'timeout', 'auth', 'http', 'invalid', 'too_large']

describe('findWarnings', () => {
  it('finds nothing where all is well', () => {
    expect(findWarnings(makeFacts())).toEqual([])
  })

  it('finds nothing in what is not known yet', () => {
    const unknown = {
      nodeType: undefined,
      expected: undefined,
      sample: undefined,
      permission: {},
      whitelist: undefined,
      address: undefined,
    }
    expect(findWarnings(makeFacts(unknown))).toEqual([])
    expect(findWarnings(makeFacts({ whitelist: {} }))).toEqual([])
  })

  it.each(FAILURES)(
    'says what /health says of a VMM that fails with %s, and what to do',
    (failure) => {
      const sample = sampleOf({ ok: false, failure, detail: 'secret detail' })
      expect(findWarnings(makeFacts({ sample }))).toEqual([
        {
          code: `dstack_${failure}`,
          message: describeFailure(failure),
          nextStep: 'Start the VMM.',
        },
      ])
    },
  )

  it('compares the GPUs with those that are expected', () => {
    expect(codesOf({ sample: sampleOf(listing([])) })).toEqual(['no_gpus'])
    expect(codesOf({ sample: sampleOf(listing(makeGpus(1))) })).toEqual(['gpus_missing'])
    expect(codesOf({ sample: sampleOf(listing(makeGpus(3))) })).toEqual(['gpus_extra'])
    const b200 = makeGpus(2, '10de:2901')
    expect(codesOf({ sample: sampleOf(listing(b200)) })).toEqual(['wrong_model'])
    const [gpu] = makeGpus(1)
    const twice = gpu ? [gpu, gpu] : []
    expect(codesOf({ expected: undefined, sample: sampleOf(listing(twice)) })).toEqual([
      'duplicate_slots',
    ])
  })

  it('finds a permission that the registry does not give', () => {
    const [warning] = findWarnings(
      makeFacts({ permission: { answer: { value: { allowed: false }, at: THEN } } }),
    )
    expect(warning).toMatchObject({ code: 'permission_missing' })
    expect(warning?.nextStep).toContain('a few minutes after a registration')
    expect(warning?.nextStep).toContain("ask the registry's operator")
  })

  it('finds a registry that does not answer, beside what it said last', () => {
    const problem = 'the registry refused the connection (GET /permissions: ECONNREFUSED)'
    const answer = { value: { allowed: false }, at: THEN }
    expect(codesOf({ permission: { problem } })).toEqual(['registry_unreachable'])
    const warnings = findWarnings(makeFacts({ permission: { answer, problem } }))
    expect(warnings.map(({ code }) => code)).toEqual(['permission_missing', 'registry_unreachable'])
    expect(warnings[1]?.message).toContain(problem)
  })

  it('finds a key that the whitelist does not let in, with a next step for each reason', () => {
    const found = (['not_listed', 'banned', 'expired'] as const).flatMap((code) =>
      findWarnings(makeFacts({ whitelist: { answer: { value: { code }, at: THEN } } })),
    )
    expect(found.map(({ code }) => code)).toEqual(Array(3).fill('not_whitelisted'))
    expect(new Set(found.map(({ message }) => message)).size).toBe(3)
    expect(new Set(found.map(({ nextStep }) => nextStep)).size).toBe(3)
    for (const { nextStep } of found) {
      expect(nextStep).toContain("whitelist's admin")
      expect(nextStep).toContain('node dist/backend.js pubkey')
    }
  })

  it('finds a whitelist that does not answer', () => {
    const problem = 'the whitelist service did not answer in time'
    const [warning, ...more] = findWarnings(makeFacts({ whitelist: { problem } }))
    expect([warning?.code, more]).toEqual(['whitelist_unreachable', []])
    expect(warning?.message).toContain(problem)
    expect(warning?.nextStep).toContain('WHITELIST_URL')
  })

  it('finds an address that only containers reach', () => {
    const address = { address: '172.17.0.2', source: 'route', containerOnly: true } as const
    const [warning] = findWarnings(makeFacts({ address }))
    expect(warning).toMatchObject({ code: 'container_address' })
    expect(warning?.message).toContain('172.17.0.2')
    expect(warning?.nextStep).toContain('ADVERTISE_IP')
  })

  it('finds that there is no address', () => {
    const address = { address: undefined, source: undefined, containerOnly: false }
    expect(codesOf({ address })).toEqual(['no_address'])
  })

  it("passes on what is doubtful about the owner's address", () => {
    const [warning] = findWarnings(
      makeFacts({ owner: { address: OWNER, warning: 'OWNER_ADDRESS: a digit may be wrong' } }),
    )
    expect(warning).toMatchObject({
      code: 'owner_address',
      message: 'OWNER_ADDRESS: a digit may be wrong',
    })
  })

  it('says something of each, on one line, with a code that is known', () => {
    const gpu = fc.record({
      slot: fc.string({ unit: 'binary' }),
      productId: fc.constantFrom('10de:2335', '10de:2901', ''),
      description: fc.string({ unit: 'binary' }),
      isFree: fc.boolean(),
    })
    const facts = fc.record({
      sample: fc.array(gpu).map((gpus) => sampleOf(listing(gpus))),
      expected: fc.option(fc.record({ model: fc.constantFrom('H200', 'B200'), count: fc.nat(9) }), {
        nil: undefined,
      }),
    })
    fc.assert(
      fc.property(facts, (other) => {
        for (const { code, message, nextStep } of findWarnings(makeFacts(other))) {
          expect(WARNING_CODES).toContain(code)
          for (const text of [message, nextStep]) expect(text).toMatch(/^[^\p{Cc}]+$/u)
        }
      }),
    )
  })
})
