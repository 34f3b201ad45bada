import { describe, expect, it } from 'vitest'
import { errorCode } from '../src/error-code.js'

describe('errorCode', () => {
  it('gives the code of a system error', () => {
    expect(errorCode(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toBe('ENOENT')
  })

  it.each([[new Error('no code')], [{ code: 42 }], [undefined], [null], ['ENOENT'], [{}]])(
    'gives unknown for %o',
    (error) => {
      expect(errorCode(error)).toBe('unknown')
    },
  )
})
