import { describe, expect, it } from 'vitest'
import { redirectTarget } from '../../src/requests/redirect-target.js'

describe('redirectTarget', () => {
  it('is undefined for an answer that points nowhere', () => {
    expect(redirectTarget({})).toBeUndefined()
  })

  it('is where the answer points', () => {
    expect(redirectTarget({ location: 'https://new.example/v1' })).toBe('https://new.example/v1')
    expect(redirectTarget({ location: ['/a', '/b'] })).toBe('/a')
  })

  it('leaves out credentials', () => {
    expect(redirectTarget({ location: 'https://user:secret@new.example/' })).toBe(
      'https://new.example/',
    )
    expect(redirectTarget({ location: 'https://user:p@ss@new.example/' })).toBe(
      'https://new.example/',
    )
  })

  it('takes no @ behind the host for the end of credentials', () => {
    const location = 'https://new.example?contact=a@b'
    expect(redirectTarget({ location })).toBe(location)
  })

  it('is short and on one line', () => {
    expect(redirectTarget({ location: `/\u001b[31m${'x'.repeat(9_000)}` })).toMatch(
      /^\/ \[31mx{0,300}…$/,
    )
  })
})
