import { describe, expect, it } from 'vitest'
import { urlFormsOf } from '../../../src/admin/nip86/public-url.js'

describe('urlFormsOf', () => {
  it.each([
    ['https://a.example', '/', 'https://a.example/', 'https://a.example'],
    ['https://a.example/', '/?', 'https://a.example/?', 'https://a.example?'],
    ['https://a.example/', '/?b=/c?', 'https://a.example/?b=/c?', 'https://a.example?b=/c?'],
    ['https://A.example:443/b', '/', 'https://a.example/b/', 'https://a.example/b'],
    ['https://a.example/b/', '/?c', 'https://a.example/b/?c', 'https://a.example/b?c'],
    ['http://[::1]:80/', '/', 'http://[::1]/', 'http://[::1]'],
  ])('are two of %s for %s', (publicUrl, target, ...forms) => {
    expect(urlFormsOf(new URL(publicUrl), target)).toEqual(forms)
  })

  it('have nothing of a host in the request', () => {
    const forms = urlFormsOf(new URL('https://a.example'), 'http://evil.example/?b')
    expect(forms).toEqual(['https://a.example/?b', 'https://a.example?b'])
  })
})
