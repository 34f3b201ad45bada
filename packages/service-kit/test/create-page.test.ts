import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPage } from '../src/page/create-page.js'

const PARTS = {
  title: 'T',
  body: '<p>B</p>\n',
  style: 'p { margin: 0 }',
  scripts: ['one()', 'two()'],
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

function elementsOf(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(
    ([, text = '']) => text,
  )
}

describe('createPage', () => {
  it('names its style and its scripts by their hashes, in their order', () => {
    const { headers, body } = createPage(PARTS)
    const policy = headers['content-security-policy']?.split('; ')
    const scripts = elementsOf(body, 'script')
    const [style = ''] = elementsOf(body, 'style')
    expect(scripts.slice(1)).toEqual(['one()', 'two()'])
    expect(style.endsWith('p { margin: 0 }')).toBe(true)
    expect(policy).toContain(`script-src ${scripts.map(hashOf).join(' ')}`)
    expect(policy).toContain(`style-src ${hashOf(style)}`)
  })

  it('allows nothing else', () => {
    const policy = createPage(PARTS).headers['content-security-policy'] ?? ''
    expect(policy).toMatch(/^default-src 'none'; /)
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    for (const rule of ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
      expect(policy.split('; ')).toContain(rule)
    }
  })

  it('is one document that refers to nothing outside', () => {
    const { headers, body } = createPage(PARTS)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    expect(body).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(body).toContain('<title>T</title>')
    expect(body).toContain('<body>\n<p>B</p>\n<script>')
    expect(body).not.toMatch(/\ssrc=|@import|url\(/)
  })

  it.each(['</script>', '</STYLE >', '<!-- x'])('refuses a text with %s in it', (text) => {
    expect(() => createPage({ ...PARTS, scripts: [text] })).toThrow('would end its element')
    expect(() => createPage({ ...PARTS, style: text })).toThrow('would end its element')
  })
})
