import { describe, expect, it } from 'vitest'
import { createContainerHint } from '../../src/address/container-hint.js'

const inDocker = createContainerHint((path) => path === '/.dockerenv')
const inPodman = createContainerHint((path) => path === '/run/.containerenv')
const outside = createContainerHint(() => false)

describe('createContainerHint', () => {
  it.each(['172.16.0.1', '172.17.0.2', '172.31.255.254'])(
    'suspects %s in a container',
    (address) => {
      expect(inDocker(address)).toBe(true)
      expect(inPodman(address)).toBe(true)
    },
  )

  it.each(['172.17.0.2', '172.31.255.254'])('does not suspect %s outside of one', (address) => {
    expect(outside(address)).toBe(false)
  })

  it.each(['10.0.0.7', '172.15.0.1', '172.32.0.1', '192.168.0.1', '2001:db8::7', 'fd00::2'])(
    'does not suspect %s: a container may have the network of its host',
    (address) => {
      expect(inDocker(address)).toBe(false)
    },
  )
})
