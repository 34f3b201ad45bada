import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { findMountRoot, mountRootOf } from '../../src/list/mount-root.js'

const LIST = '/app/whitelist.json'

/** A line of mountinfo: what is mounted, and where. */
function mount(root: string, at: string): string {
  return `1075 1061 254:1 ${root} ${at} ro,relatime - ext4 /dev/vda1 rw`
}

describe('findMountRoot', () => {
  it('names the file that is mounted at the path', () => {
    const mountinfo = [mount('/', '/'), mount('/srv/list.json', LIST), ''].join('\n')
    expect(findMountRoot(mountinfo, LIST)).toBe('/srv/list.json')
  })

  it.each([
    ['removed or replaced', '/srv/list.json//deleted'],
    ['replaced with a backup kept', '/srv/list.json.bak'],
  ])('shows that the file was %s outside', (_event, root) => {
    expect(findMountRoot(mount(root, LIST), LIST)).toBe(root)
  })

  it('takes the mount on top where there are several', () => {
    const mountinfo = [mount('/old', LIST), mount('/new', LIST)].join('\n')
    expect(findMountRoot(mountinfo, LIST)).toBe('/new')
  })

  it('reads the blanks in a path, which the kernel writes in octal', () => {
    expect(findMountRoot(mount('/x', '/my\\040list\\134.json'), '/my list\\.json')).toBe('/x')
  })

  it('finds nothing where only the folder is a mount', () => {
    expect(findMountRoot(mount('/srv', '/app'), LIST)).toBeUndefined()
  })
})

describe('mountRootOf', () => {
  it('is undefined for an ordinary file', async () => {
    expect(await mountRootOf('package.json')).toBeUndefined()
  })

  it('is undefined for a file that is not there', async () => {
    expect(await mountRootOf('no-such-file.json')).toBeUndefined()
  })

  it.runIf(process.platform === 'linux')('finds the mount behind a link', async () => {
    const link = join(await temporaryFolder(), 'link')
    await symlink('/proc', link)
    expect(await mountRootOf(link)).toBe('/')
  })
})
