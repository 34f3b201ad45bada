import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prefersHtml } from '../src/prefers-html.js'

describe('prefersHtml', () => {
  it.each([
    [
      'Firefox',
      'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    ],
    ['Chrome', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'],
    ['Safari', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['lynx', 'text/html, text/plain, text/sgml, text/css, */*;q=0.01'],
    ['curl with a header', 'text/html'],
    ['any letter case', 'Text/HTML'],
    ['a parameter', 'text/html;charset=utf-8'],
    ['everything as well', 'text/html, */*'],
    ['JSON, but less', 'application/json;q=0.5, text/html;q=0.9'],
    ['blanks around everything', ' application/json ; q = 0.5 , text/html ; q = 0.9 '],
  ])('is for a page: %s', (_who, accept) => {
    expect(prefersHtml(accept)).toBe(true)
  })

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['curl, wget, fetch', '*/*'],
    ['a program that wants JSON', 'application/json'],
    ['axios', 'application/json, text/plain, */*'],
    ['JSON as much as a page', 'text/html, application/json'],
    ['JSON rather than a page', 'text/html;q=0.5, application/json'],
    ['anything rather than a page', 'text/html;q=0.5, */*'],
    ['any application format rather than a page', 'text/html;q=0.5, application/*, */*;q=0.1'],
    ['no page at all', 'text/html;q=0'],
    ['no page, but anything else', 'text/html;q=0, */*'],
    ['a weight that is none', 'text/html;q=much'],
    ['a weight above one', 'text/html;q=1.5'],
    ['another type with that name in it', 'application/x-text/html, x-text/html'],
    ['images', 'image/avif,image/webp,*/*'],
  ])('is for JSON: %s', (_who, accept) => {
    expect(prefersHtml(accept)).toBe(false)
  })

  it('is for a page only where one is named, whatever a client sends', () => {
    const piece = fc.constantFrom(
      'text/html',
      '*/*',
      'application/json',
      ';',
      ',',
      'q=',
      '0.5',
      ' ',
    )
    const header = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(header, (accept) => {
        const isHtml = prefersHtml(accept)
        expect(isHtml && !/text\/html/i.test(accept)).toBe(false)
      }),
    )
  })
})
