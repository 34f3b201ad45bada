import { formatHexKey, WORDS_PER_KEY } from './key-words.js'

const PREFIX = 'npub1'
const NPUB_LENGTH = 63
const DATA_LENGTH = 52
const CHECKSUM_LENGTH = 6
const LETTERS = DATA_LENGTH + CHECKSUM_LENGTH
const BECH32_ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const INVALID = 32

const values = new Uint8Array(128).fill(INVALID)
const alphabetCodes = Buffer.from(BECH32_ALPHABET)
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

/**
 * What a letter adds to the checksum, by where it stands and what it is worth. The checksum is linear, so the
 * letters need not wait for one another; with one step after the other it takes twice as long.
 */
const contributions = new Uint32Array(LETTERS * 32)
for (let value = 0; value < 32; value += 1) {
  let contribution = value
  for (let at = LETTERS - 1; at >= 0; at -= 1) {
    contributions[at * 32 + value] = contribution
    contribution = step(contribution, 0)
  }
}
/** The checksum of the prefix and as many zeros as there are letters. */
const afterZeros = Array.from({ length: LETTERS }, () => 0).reduce(step, afterPrefix)

const npubScratch = Buffer.alloc(NPUB_LENGTH, PREFIX, 'latin1')
const words = new Uint32Array(WORDS_PER_KEY)

/** The 64 hex digits behind an `npub1…` in lower case (NIP-19, BIP-173); undefined for any other text. */
export function decodeNpub(text: string): string | undefined {
  return readNpub(text, words) ? formatHexKey(words) : undefined
}

/**
 * Reads an `npub1…` in lower case (NIP-19, BIP-173) into eight 32-bit words, the first bits first; false for any
 * other text, with nothing useful in `words` then. It is what a list of a million keys and every question
 * are read with: nostr-tools' decoder takes twenty times as long, and does not check the length.
 */
export function readNpub(text: string, words: Uint32Array): boolean {
  if (text.length !== NPUB_LENGTH || !text.startsWith(PREFIX)) return false
  let checksum = afterZeros
  let seen = 0
  let bits = 0
  let bitCount = 0
  let word = 0
  for (let at = 0; at < LETTERS; at += 1) {
    const value = values[text.charCodeAt(at + PREFIX.length)] ?? INVALID
    seen |= value
    checksum ^= contributions[at * 32 + (value & 31)] ?? 0
    if (at >= DATA_LENGTH) continue
    const room = 32 - bitCount
    if (room > 5) {
      bits = (bits << 5) | value
      bitCount += 5
    } else {
      bitCount = 5 - room
      words[word] = (bits << room) | (value >> bitCount)
      word += 1
      bits = value & ((1 << bitCount) - 1)
    }
  }
  // What is left in `bits` is padding.
  return checksum === 1 && seen < 32 && bits === 0
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
