import { describe, expect, it } from 'vitest'
import { GPU_MODELS, gpuCards, ODD_GPUS, parseGpus } from '../src/gpu-fixtures.js'

const PRODUCT_ID = /^10de:[0-9a-f]{4}$/

describe('gpuCards', () => {
  it('fills a host of H200 at its real slots', () => {
    const cards = gpuCards('H200', 8)
    expect(cards.map((card) => card.slot).join(' ')).toBe(
      '18:00.0 2a:00.0 3a:00.0 5d:00.0 9a:00.0 ab:00.0 ba:00.0 db:00.0',
    )
    expect(cards[0]).toEqual({
      slot: '18:00.0',
      product_id: '10de:2335',
      description: 'NVIDIA Corporation GH100 [H200 SXM 141GB]',
      is_free: true,
    })
  })

  it('keeps slots apart on a host with more cards than any real one', () => {
    const slots = gpuCards('H100', 200).map((card) => card.slot)
    expect(new Set(slots).size).toBe(200)
    expect(slots.slice(0, 4)).toEqual(['1b:00.0', '43:00.0', '52:00.0', '61:00.0'])
  })

  it('marks cards in use', () => {
    expect(gpuCards('B200', 2, false).map((card) => card.is_free)).toEqual([false, false])
  })

  it('refuses a number no host can have', () => {
    expect(() => gpuCards('H200', 257)).toThrow(RangeError)
    expect(() => gpuCards('H200', -1)).toThrow(RangeError)
  })

  it.each(GPU_MODELS)('writes %s as the VMM writes it', (model) => {
    const [card] = gpuCards(model, 1)
    expect(card?.product_id).toMatch(PRODUCT_ID)
    expect(card?.description).toMatch(/^NVIDIA Corporation G[BH]\d+ \[.+\]$/)
  })
})

describe('parseGpus', () => {
  it.each([
    ['H200x8', 8],
    ['h200X8', 8],
    ['H200-NVLx2', 2],
    ['B200', 1],
    ['H100x0', 0],
    ['none', 0],
  ])('reads %s', (text, count) => {
    expect(parseGpus(text)).toHaveLength(count)
  })

  it.each(['', 'H300x8', 'H200x', 'x8', 'H200x1000', 'H200x999'])('refuses "%s"', (text) => {
    expect(() => parseGpus(text)).toThrow(RangeError)
  })
})

describe('ODD_GPUS', () => {
  it('has a slot with a PCI domain and a description that is the vendor alone', () => {
    expect(ODD_GPUS.multiDomain.slot).toBe('0000:1b:00.0')
    expect(ODD_GPUS.bareVendor.description).toBe('NVIDIA Corporation')
    expect(ODD_GPUS.offTheBus.is_free).toBe(true)
  })
})
