import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  expectationOf,
  formatExpectation,
  parseExpectedGpus,
} from '../../src/inventory/expectation.js'
import { anyText } from '../_any-text.js'

const FORM = 'must be a number of cards from 0 to 1000, or a model and a number: H200x8'
const model = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,30}$/)
const count = fc.integer({ min: 0, max: 1000 })

describe('parseExpectedGpus', () => {
  it.each([
    ['8', { count: 8 }],
    ['0', { count: 0 }],
    ['08', { count: 8 }],
    ['1000', { count: 1000 }],
    ['H200x8', { model: 'H200', count: 8 }],
    ['H200-NVLx8', { model: 'H200-NVL', count: 8 }],
    ['RTX-PRO-6000x4', { model: 'RTX-PRO-6000', count: 4 }],
    ['rtx4090x2', { model: 'rtx4090', count: 2 }],
    ['H200 x8', { model: 'H200', count: 8 }],
    ['H200x0', { model: 'H200', count: 0 }],
  ])('reads %s', (text, expectation) => {
    expect(parseExpectedGpus(text)).toEqual(expectation)
  })

  it.each([
    '',
    'x8',
    ' x8',
    '-x8',
    'H200',
    'H200x',
    'H200x-1',
    'H200x8x',
    'H200×8',
    'H200X8',
    '8.5',
    '-1',
    '1001',
    'H200x1001',
    '99999',
    '٨',
    'auto',
    'eight',
    'H200\u0000x8',
    'H200\nx8',
    '显卡x8',
    `${'a'.repeat(101)}x8`,
  ])('refuses "%s", and tells the form', (text) => {
    expect(() => parseExpectedGpus(text)).toThrow(new Error(FORM))
  })

  it('reads whatever model and number make it up', () => {
    fc.assert(
      fc.property(model, count, (name, number) => {
        const text = `${name}x${number}`
        expect(parseExpectedGpus(text)).toEqual({ model: name, count: number })
        expect(formatExpectation(parseExpectedGpus(text))).toBe(text)
        expect(parseExpectedGpus(String(number))).toEqual({ count: number })
      }),
    )
  })

  it('throws nothing but the form, whatever the text is', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        try {
          expect(parseExpectedGpus(text).count).toBeLessThanOrEqual(1000)
        } catch (error) {
          expect(error).toEqual(new Error(FORM))
        }
      }),
    )
  })
})

describe('expectationOf', () => {
  it.each([
    ['node-H100x1', { model: 'H100', count: 1 }],
    ['node-H200x8', { model: 'H200', count: 8 }],
    ['node-RTX-PRO-6000x4', { model: 'RTX-PRO-6000', count: 4 }],
    ['node-GeForce-RTX-4090x2', { model: 'GeForce-RTX-4090', count: 2 }],
    ['node-H200x200', { model: 'H200', count: 200 }],
  ])('reads %s', (nodeType, expectation) => {
    expect(expectationOf(nodeType)).toEqual(expectation)
  })

  it.each([
    'auto',
    '',
    'node',
    'node-',
    'node-x1',
    'node-H100',
    'node-H100x',
    'node-H100x1001',
    'node-H100x1 ',
    'H100x1',
    'Node-H100x1',
    'node-显卡x1',
    'node-H100\nx1',
    'gpu',
  ])('expects nothing of "%s"', (nodeType) => {
    expect(expectationOf(nodeType)).toBeUndefined()
  })

  it('never throws, and expects what EXPECTED_GPUS would', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), model), count, (text, number) => {
        expect(() => expectationOf(text)).not.toThrow()
        const said = expectationOf(`node-${text}x${number}`)
        if (said) expect(parseExpectedGpus(`${text}x${number}`)).toEqual(said)
      }),
    )
  })
})
