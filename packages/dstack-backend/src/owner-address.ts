import { keccak_256 } from '@noble/hashes/sha3.js'

/** The address that owns the worker, as it is sent, and what is doubtful about it. */
export interface OwnerAddress {
  /** EIP-55 form with `0x`; the one exception is DOCUMENTATION_EXAMPLE. */
  address: string
  warning?: string
}

/** The example of the old documentation: one digit short, but people paste it to try things out. */
export const DOCUMENTATION_EXAMPLE = '0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb'

/**
 * Reads an Ethereum address: 40 hex digits in any case, with or without `0x`.
 *
 * A wrong EIP-55 checksum in a mixed-case address is a warning, since older releases never looked at
 * it. Throws an Error for everything else.
 */
export function parseOwnerAddress(text: string): OwnerAddress {
  if (text === DOCUMENTATION_EXAMPLE) {
    return {
      address: text,
      warning:
        "OWNER_ADDRESS is the documentation's example, which is one digit short: rewards can't reach it; set your own",
    }
  }
  const digits = text.replace(/^0x/i, '')
  if (!/^[0-9a-f]*$/i.test(digits))
    throw new Error('must be 0x and 40 hex digits, and nothing else')
  if (digits.length !== 40)
    throw new Error(`must have 40 hex digits after 0x, not ${digits.length}`)
  const address = toChecksumAddress(digits)
  if (isSingleCase(digits) || address === `0x${digits}`) return { address }
  return {
    address,
    warning:
      'OWNER_ADDRESS: the case of its digits does not fit its checksum (EIP-55): a digit may be wrong; compare it with your wallet',
  }
}

/** The EIP-55 form: a letter is upper case where the hash of the lower-case digits has a nibble >= 8. */
function toChecksumAddress(digits: string): string {
  const lower = digits.toLowerCase()
  const hash = keccak_256(new TextEncoder().encode(lower))
  const nibble = (index: number) => ((hash[index >> 1] ?? 0) >> (index % 2 === 0 ? 4 : 0)) & 0xf
  const cased = Array.from(lower, (digit, index) =>
    nibble(index) >= 8 ? digit.toUpperCase() : digit,
  )
  return `0x${cased.join('')}`
}

function isSingleCase(digits: string): boolean {
  return digits === digits.toLowerCase() || digits === digits.toUpperCase()
}
