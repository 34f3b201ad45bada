import { X509Certificate } from 'node:crypto'
import { get } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeCertificate, startSimulatedRegistry, type CertificateOptions } from '../src/index.js'
import { errorCode } from './_request.js'

const DAY_MS = 24 * 3_600_000

/** Asks a registry with such a certificate; one that is trusted is its own CA. */
async function ask(options?: CertificateOptions, { isTrusted = true } = {}) {
  const tls = makeCertificate(options)
  const registry = await startSimulatedRegistry({ tls })
  onTestFinished(() => registry.close())
  expect(registry.url).toMatch(/^https:/)
  return new Promise<IncomingMessage>((resolve, reject) => {
    const trust = isTrusted ? { ca: tls.cert } : {}
    get(`${registry.url}/permissions/x`, { ...trust, agent: false }, (response) => {
      resolve(response.resume())
    }).on('error', reject)
  })
}

describe('makeCertificate', () => {
  it('makes one that is valid for 127.0.0.1 where it is trusted', async () => {
    expect((await ask()).statusCode).toBe(400)
  })

  it('makes one that nobody vouches for', async () => {
    expect(await errorCode(ask({}, { isTrusted: false }))).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  it('makes one that has expired, and one that is not valid yet', async () => {
    const [yesterday, tomorrow] = [-1, 1].map((days) => new Date(Date.now() + days * DAY_MS))
    expect(await errorCode(ask({ notBefore: new Date(0), notAfter: yesterday as Date }))).toBe(
      'CERT_HAS_EXPIRED',
    )
    expect(await errorCode(ask({ notBefore: tomorrow as Date }))).toBe('CERT_NOT_YET_VALID')
  })

  it('makes another one each time, from and until a second', () => {
    const notBefore = new Date('2020-01-02T03:04:05Z')
    const notAfter = new Date('2050-06-07T08:09:10Z')
    const [one, other] = [1, 2].map(
      () => new X509Certificate(makeCertificate({ notBefore, notAfter }).cert),
    )
    expect(one?.fingerprint256).not.toBe(other?.fingerprint256)
    expect(Date.parse(one?.validFrom ?? '')).toBe(notBefore.getTime())
    expect(Date.parse(one?.validTo ?? '')).toBe(notAfter.getTime())
  })
})
