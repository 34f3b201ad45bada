import { describe, expect, it } from 'vitest'
import { describeProblem } from '../../src/network-view/whitelist-messages.js'

const CHECK = 'GET /api/check'

describe('describeProblem', () => {
  it.each([
    [
      'ECONNREFUSED',
      'the whitelist service refused the connection: is it running, and is WHITELIST_URL right? (GET /api/check: ECONNREFUSED)',
    ],
    [
      'ENOTFOUND',
      'the whitelist service has a name that does not resolve: check WHITELIST_URL and DNS (GET /api/check: ENOTFOUND)',
    ],
    ['ETIMEDOUT', /did not answer in time: .* \(GET \/api\/check: ETIMEDOUT\)$/],
    ['HPE_INVALID_CONSTANT', /does not speak HTTP there: is WHITELIST_URL right\?/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS there: .* WHITELIST_URL/],
    ['EWHATEVER', 'the whitelist service could not be reached (GET /api/check: EWHATEVER)'],
  ])('says what %s means and what to do', (code, sentence) => {
    const text = describeProblem({ kind: 'no_answer', request: CHECK, code })
    if (typeof sentence === 'string') expect(text).toBe(sentence)
    else expect(text).toMatch(sentence)
  })

  it.each([
    [200, 'that is no whitelist service: check WHITELIST_URL'],
    [404, 'that is no whitelist service: check WHITELIST_URL'],
    [401, 'it wants credentials: write them into WHITELIST_URL'],
    [403, 'something before it lets nobody in: ask its operator'],
    [429, "see the service's log, or ask its operator"],
    [500, "see the service's log, or ask its operator"],
    [503, "see the service's log, or ask its operator"],
    [308, 'set WHITELIST_URL to where it points'],
  ])('says what to do about an answer %i that is no verdict', (status, advice) => {
    const problem = { kind: 'no_verdict', request: CHECK, status, location: undefined } as const
    expect(describeProblem(problem)).toMatch(
      new RegExp(`^the whitelist service answered ${status} .+ to GET /api/check: ${advice}$`),
    )
  })

  it('names where a redirect points', () => {
    const location = 'https://list.example/api/check/x'
    const problem = { kind: 'no_verdict', request: CHECK, status: 301, location } as const
    expect(describeProblem(problem)).toMatch(/set WHITELIST_URL to where it points, https:\/\/list/)
  })

  it('does without a name for a status that has none', () => {
    const problem = {
      kind: 'no_verdict',
      request: CHECK,
      status: 599,
      location: undefined,
    } as const
    expect(describeProblem(problem)).toMatch(/answered 599 to GET/)
  })
})
