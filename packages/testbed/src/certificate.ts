import { generateKeyPairSync, sign } from 'node:crypto'

/** A certificate and its key, as PEM. */
export interface Certificate {
  cert: string
  key: string
}

export interface CertificateOptions {
  /** The beginning of this year unless it is given. */
  notBefore?: Date
  /** A year from now unless it is given. */
  notAfter?: Date
}

const YEAR_MS = 365 * 24 * 3_600_000

/** The tags of X.690 that a certificate is made of. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  text: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Explicit ones, by number. */
  version: 0xa0,
  extensions: 0xa3,
  /** An IP address among the names of RFC 5280. */
  ipAddress: 0x87,
}

const COMMON_NAME = [0x55, 0x04, 0x03]
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13]
const ALTERNATIVE_NAME = [0x55, 0x1d, 0x11]
const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]

/** Makes a self-signed certificate for 127.0.0.1 (RFC 5280), which may serve as its own CA. */
export function makeCertificate(options: CertificateOptions = {}): Certificate {
  const now = new Date()
  const { notBefore = new Date(Date.UTC(now.getUTCFullYear(), 0)) } = options
  const { notAfter = new Date(now.getTime() + YEAR_MS) } = options
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(der(TAG.set, sequence(oid(COMMON_NAME), der(TAG.text, 'testbed'))))
  const algorithm = sequence(oid(ECDSA_WITH_SHA256))
  const body = sequence(
    der(TAG.version, der(TAG.integer, [2])),
    der(TAG.integer, [1]),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.extensions, sequence(isAuthority(), isLoopback())),
  )
  const signature = der(TAG.bits, [0, ...sign('sha256', body, privateKey)])
  return {
    cert: toPem(sequence(body, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

function isAuthority(): Buffer {
  const value = sequence(der(TAG.boolean, [0xff]))
  return sequence(oid(BASIC_CONSTRAINTS), der(TAG.boolean, [0xff]), der(TAG.octets, value))
}

function isLoopback(): Buffer {
  const value = sequence(der(TAG.ipAddress, [127, 0, 0, 1]))
  return sequence(oid(ALTERNATIVE_NAME), der(TAG.octets, value))
}

function time(date: Date): Buffer {
  return der(TAG.time, date.toISOString().replace(/[-:T]|\.\d+/g, ''))
}

function oid(encoded: readonly number[]): Buffer {
  return der(TAG.oid, encoded)
}

function sequence(...parts: Buffer[]): Buffer {
  return der(TAG.sequence, Buffer.concat(parts))
}

function der(tag: number, content: string | readonly number[] | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(bytes)]), bytes])
}

function lengthOf({ length }: Buffer): number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
