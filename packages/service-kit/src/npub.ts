const PREFIX = 'npub1'
const NPUB_LENGTH = 63
const DATA_LENGTH = 52
const CHECKSUM_LENGTH = 6
const BECH32_ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const INVALID = 255

const values = new Uint8Array(128).fill(INVALID)
const alphabetCodes = Buffer.from(BECH32_ALPHABET)
const hexCodes = Buffer.from('0123456789abcdef')
for (const [value, code] of alphabetCodes.entries()) values[code] = value

/** What the five bits that a step pushes out of the checksum add to it (BIP-173). */
const feedback = Uint32Array.from({ length: 32 }, (_, top) =>
  GENERATORS.reduce((sum, generator, bit) => ((top >> bit) & 1 ? sum ^ generator : sum), 0),
)
/** The checksum after the human-readable part `npub`, which each of them begins with. */
const hrp = [...Buffer.from('npub')]
const afterPrefix = [...hrp.map((code) => code >> 5), 0, ...hrp.map((code) => code & 31)].reduce(
  step,
  1,
)

const hexScratch = Buffer.alloc(64)
const npubScratch = Buffer.alloc(NPUB_LENGTH, PREFIX, 'latin1')

/**
 * The 64 hex digits behind an `npub1…` in lower case (NIP-19, BIP-173); undefined for any other text. It
 * is what a list of a million keys and every question are read with: nostr-tools' decoder takes ten
 * times as long, and does not check the length.
 */
export function decodeNpub(text: string): string | undefined {
  if (text.length !== NPUB_LENGTH || !text.startsWith(PREFIX)) return undefined
  let checksum = afterPrefix
  let bits = 0
  let bitCount = 0
  let digits = 0
  for (let index = PREFIX.length; index < NPUB_LENGTH; index += 1) {
    const value = values[text.charCodeAt(index)] ?? INVALID
    if (value === INVALID) return undefined
    checksum = step(checksum, value)
    if (index >= PREFIX.length + DATA_LENGTH) continue
    bits = ((bits << 5) | value) & 0xff
    bitCount += 5
    while (bitCount >= 4 && digits < 64) {
      bitCount -= 4
      hexScratch[digits] = hexCodes[(bits >> bitCount) & 15] ?? 0
      digits += 1
    }
    // What is left of the last letter is padding.
    if (index === PREFIX.length + DATA_LENGTH - 1 && (bits & 15) !== 0) return undefined
  }
  return checksum === 1 ? hexScratch.toString('latin1') : undefined
}

/** The `npub1…` form (NIP-19) of a public key given as 64 lower-case hex digits. */
export function formatNpub(pubkey: string): string {
  let checksum = afterPrefix
  let bits = 0
  let bitCount = 0
  let at = PREFIX.length
  for (let index = 0; index <= 64; index += 1) {
    // Four bits of padding fill up the last letter.
    bits = ((bits << 4) | digitAt(pubkey, index)) & 0xfff
    bitCount += 4
    if (bitCount < 5) continue
    bitCount -= 5
    const value = (bits >> bitCount) & 31
    checksum = step(checksum, value)
    npubScratch[at] = alphabetCodes[value] ?? 0
    at += 1
  }
  for (let index = 0; index < CHECKSUM_LENGTH; index += 1) checksum = step(checksum, 0)
  checksum ^= 1
  for (let index = 0; index < CHECKSUM_LENGTH; index += 1) {
    npubScratch[at + index] = alphabetCodes[(checksum >>> (5 * (5 - index))) & 31] ?? 0
  }
  return npubScratch.toString('latin1')
}

function digitAt(hex: string, index: number): number {
  if (index >= 64) return 0
  const code = hex.charCodeAt(index)
  return code < 58 ? code - 48 : code - 87
}

function step(checksum: number, value: number): number {
  return (((checksum & 0x1ffffff) << 5) ^ value ^ (feedback[checksum >>> 25] ?? 0)) >>> 0
}
