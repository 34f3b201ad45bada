import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DOCUMENTATION_EXAMPLE, parseOwnerAddress } from '../src/owner-address.js'

// The test vectors of EIP-55.
const EIP55 = [
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0xde709f2102306220921060314715629080e2fb77',
]

const hexAddress = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))

describe('parseOwnerAddress', () => {
  it.each(EIP55)('keeps the EIP-55 address %s', (address) => {
    expect(parseOwnerAddress(address)).toEqual({ address })
  })

  it.each(EIP55)('gives %s its checksum in whatever single case it comes', (address) => {
    const digits = address.slice(2)
    for (const spelling of [
      digits.toLowerCase(),
      digits.toUpperCase(),
      `0x${digits.toLowerCase()}`,
    ]) {
      expect(parseOwnerAddress(spelling)).toEqual({ address })
    }
  })

  it('takes an address without 0x', () => {
    expect(parseOwnerAddress('5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed').address).toBe(EIP55[0])
  })

  it('accepts a wrong checksum with a warning that names the digit case', () => {
    const { address, warning } = parseOwnerAddress('0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0')
    expect(address.toLowerCase()).toBe('0x742d35cc6634c0532925a3b844bc9e7595f0beb0')
    expect(warning).toContain('case')
  })

  it("lets the documentation's example through unchanged, with a warning", () => {
    const { address, warning } = parseOwnerAddress(DOCUMENTATION_EXAMPLE)
    expect(address).toBe('0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb')
    expect(warning).toContain('one digit short')
  })

  it.each([
    ['39 digits that are not the example', '0x842d35Cc6634C0532925a3b844Bc9e7595f0bEb'],
    ['the example in another case', DOCUMENTATION_EXAMPLE.toLowerCase()],
    ['41 digits', `${EIP55[0] ?? ''}0`],
    ['a letter that is no hex digit', '0xgAeb6053F3E94C9b9A09f33669435E7Ef1BeAed0'],
    ['a name', 'vitalik.eth'],
    ['0x alone', '0x'],
    ['two prefixes', '0x0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
    ['a space inside', '0x5aAeb6053F3E94C9b9A0 f33669435E7Ef1BeAed'],
  ])('refuses %s', (_reason, text) => {
    expect(() => parseOwnerAddress(text)).toThrow(/^must /)
  })

  it('is idempotent, and agrees on every spelling of one address', () => {
    fc.assert(
      fc.property(hexAddress, (digits) => {
        const { address } = parseOwnerAddress(digits)
        expect(address).toMatch(/^0x[0-9a-fA-F]{40}$/)
        expect(parseOwnerAddress(address)).toEqual({ address })
        expect(parseOwnerAddress(`0X${digits.toUpperCase()}`)).toEqual({ address })
      }),
    )
  })

  it('either gives an address of the same digits or throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), hexAddress), (text) => {
        let address: string
        try {
          address = parseOwnerAddress(text).address
        } catch (error) {
          expect((error as Error).message).toMatch(/^must /)
          return
        }
        expect(address.slice(2).toLowerCase()).toBe(text.toLowerCase().replace(/^0x/, ''))
      }),
    )
  })
})
