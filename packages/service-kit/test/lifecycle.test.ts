import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { aborted, stopSignal } from '../src/lifecycle.js'

describe('stopSignal', () => {
  it('does not fire by itself', () => {
    expect(stopSignal(new EventEmitter(), vi.fn()).aborted).toBe(false)
  })

  it.each(['SIGTERM', 'SIGINT'])('fires at %s and does not end the process', (name) => {
    const source = new EventEmitter()
    const exit = vi.fn()
    const signal = stopSignal(source, exit)
    source.emit(name)
    expect(signal.aborted).toBe(true)
    expect(exit).not.toHaveBeenCalled()
  })

  it.each([
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGINT', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
    ['SIGTERM', 'SIGINT', 130],
  ])('ends the process at once when %s is followed by %s', (first, second, code) => {
    const source = new EventEmitter()
    const exit = vi.fn()
    stopSignal(source, exit)
    source.emit(first)
    source.emit(second)
    expect(exit.mock.calls).toEqual([[code]])
  })

  it('leaves SIGHUP alone', () => {
    const source = new EventEmitter()
    stopSignal(source, vi.fn())
    expect(source.eventNames()).toEqual(['SIGINT', 'SIGTERM'])
  })
})

describe('aborted', () => {
  it('resolves when the signal fires', async () => {
    const controller = new AbortController()
    const seen: string[] = []
    const waiting = aborted(controller.signal).then(() => seen.push('resolved'))
    seen.push('before')
    controller.abort()
    await waiting
    expect(seen).toEqual(['before', 'resolved'])
  })

  it('resolves at once when the signal has fired before', async () => {
    await expect(aborted(AbortSignal.abort())).resolves.toBeUndefined()
  })
})
