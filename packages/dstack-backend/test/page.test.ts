import {
  gpuCards,
  startSimulatedRegistry,
  startSimulatedVmm,
  type GpuCard,
  type SimulatedVmm,
} from '@dstack-node/testbed'
import { startBuiltProgram } from '@dstack-node/testbed/built-program'
import {
  BROWSER_HEADERS,
  findBarriers,
  isTooWide,
  keepPicture,
  MAX_PAGE_BYTES,
  openPage,
  PHONE,
  REFRESH_MS,
  startBrowser,
  type Visitor,
} from '@dstack-node/testbed/test-tools/browser'
import { findProgram } from '@dstack-node/testbed/test-tools/find-program'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDstackDispatcher, createListGpus } from '../src/dstack/dstack-client.js'
import { parseDstackEndpoint } from '../src/requests/endpoint.js'
import { backendPage } from '../src/page/backend-page.js'
import { WARNING_CODES } from '../src/status/node-facts.js'
import { makeServer, NPUB, PUBKEY, type TestServer } from './_server.js'
import { OWNER, THEN } from './_facts.js'

/** Longer than any answer of the VMM serves. */
const LATER_MS = 60_000
const chromium = findProgram('chromium')

let browser: Awaited<ReturnType<typeof startBrowser>> | undefined
beforeAll(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium)
})
afterAll(() => browser?.close())

type Route = Parameters<Parameters<Shown['route']>[1]>[0]

/** A machine with a VMM of eight H200, of which three are in use. */
interface Machine extends TestServer {
  vmm: SimulatedVmm
  url: string
  visit: (visitor?: Visitor, url?: string) => ReturnType<typeof openPage>
}

const CARDS = gpuCards('H200', 8).map((card, index) => ({ ...card, is_free: index > 2 }))

async function startMachine(gpus: readonly GpuCard[] = CARDS): Promise<Machine> {
  const vmm = await startSimulatedVmm({ gpus })
  onTestFinished(() => vmm.close())
  const endpoint = parseDstackEndpoint(vmm.url)
  const server = await makeServer(createListGpus(endpoint, createDstackDispatcher(endpoint)), {
    nodeType: 'node-H200x8',
    expected: { model: 'H200', count: 8 },
  })
  const url = await server.app.listen({ host: '127.0.0.1', port: 0 })
  const visit = async (visitor?: Visitor, address = url) => {
    if (!browser) throw new Error('there is no browser')
    const page = await openPage(browser, address, visitor)
    await page.locator('#data').waitFor()
    return page
  }
  return { ...server, vmm, url, visit }
}

type Shown = Awaited<ReturnType<Machine['visit']>>

function rowsOf(page: Shown): Promise<string[]> {
  return page.locator('#gpu-rows tr').allInnerTexts()
}

/** The facts by their terms. */
async function factsOf(page: Shown): Promise<Record<string, string>> {
  const [terms, texts] = await Promise.all(
    ['dt', 'dd'].map((name) => page.locator(`#facts ${name}`).allInnerTexts()),
  )
  return Object.fromEntries(terms?.map((term, index) => [term, texts?.[index] ?? '']) ?? [])
}

describe('GET / of a browser', () => {
  it('answers a small page, and to everybody else the JSON', async () => {
    const { app } = await makeServer()
    const page = await app.inject({ url: '/', headers: BROWSER_HEADERS })
    expect([page.statusCode, page.headers['vary']]).toEqual([200, 'accept'])
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.rawPayload.length).toBeLessThan(MAX_PAGE_BYTES)
    const plain = await app.inject('/')
    expect(plain.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'accept',
    })
    expect(plain.body).toMatch(/^\{"service":"dstack-backend","description":/)
  })

  it('is the same in the built program', async () => {
    const registry = await startSimulatedRegistry()
    onTestFinished(() => registry.close())
    const program = startBuiltProgram('backend', {
      cwd: await temporaryFolder(),
      env: { LISTEN_ADDR: '127.0.0.1:0', REGISTRY_URL: registry.url, OWNER_ADDRESS: OWNER },
    })
    onTestFinished(() => program.stop())
    const answer = await fetch(await program.url, { headers: BROWSER_HEADERS })
    expect(await answer.text()).toBe(backendPage.body)
    expect(Object.fromEntries(answer.headers)).toMatchObject(backendPage.headers)
  })
})

describe.skipIf(chromium === undefined)(
  'the page of the backend (needs Chromium, Debian package chromium)',
  () => {
    it('shows the GPUs, and how the machine stands with everything around it', async () => {
      const { visit } = await startMachine()
      const page = await visit()
      expect(await page.locator('#banner').innerText()).toBe('Everything is in order')
      expect(await page.title()).toBe('Everything is in order – DStack backend')
      expect(await page.locator('#warnings').isVisible()).toBe(false)
      expect(await page.locator('#gpu-summary').innerText()).toBe(
        '8 in all: 5 free, 3 in use · expected: 8 × H200',
      )
      const rows = await rowsOf(page)
      expect(rows).toHaveLength(8)
      expect(rows[0]).toMatch(/^18:00\.0\s+H200 SXM 141GB\s+in use$/)
      expect(rows[7]).toMatch(/^db:00\.0\s+H200 SXM 141GB\s+free$/)
      expect(await page.locator('#npub').innerText()).toBe(NPUB)
      expect(await page.locator('#pubkey').innerText()).toBe(PUBKEY)
      expect(await factsOf(page)).toMatchObject({
        DStack: expect.stringMatching(/^lists its GPUs\s+as of Jan 2, 2026, 03:04:05$/) as string,
        'Node type': 'node-H200x8',
        Registration: expect.stringMatching(/^registered at the start\s+Jan 2, 2026/) as string,
        Permission: expect.stringMatching(/^may write \(AllowAll\)\s+as of Jan 2/) as string,
        Whitelist: expect.stringMatching(/^listed\s+as of Jan 2/) as string,
        Address: expect.stringMatching(/^10\.0\.0\.7\s+of the route out$/) as string,
        Owner: OWNER,
      })
      await keepPicture(page, 'backend-page')
    })

    it('shows the class of a failure and what to do while the VMM is down', async () => {
      const { vmm, visit } = await startMachine()
      await vmm.stop()
      const page = await visit()
      expect(await page.locator('#banner').innerText()).toBe(
        'Unavailable: DStack does not list its GPUs',
      )
      expect(await page.locator('#warning-list').innerText()).toMatch(
        /^DStack can not be reached\s+Start the VMM\.\s+dstack_connect$/,
      )
      expect((await factsOf(page))['DStack']).toContain('does not list its GPUs (connect)')
      expect(await page.locator('#gpu-table').isVisible()).toBe(false)
      expect(await page.locator('#no-gpus').innerText()).toBe(
        'Not known while DStack does not list them.',
      )
    })

    it('says that there is no GPU, and warns', async () => {
      const { visit } = await startMachine([])
      const page = await visit()
      expect(await page.locator('#no-gpus').innerText()).toBe(
        'DStack shows no GPU on this machine.',
      )
      expect(await page.locator('#gpu-table').isVisible()).toBe(false)
      expect(await page.locator('#warning-list').innerText()).toContain('no_gpus')
      expect(await page.locator('#banner').innerText()).toMatch(/^\d warnings?$/)
    })

    it('shows what the network says: no permission, and not whitelisted', async () => {
      const { facts, visit } = await startMachine()
      facts.permission = { problem: 'the registry timed out' }
      facts.whitelist = { answer: { value: { code: 'banned' }, at: new Date(0) } }
      const page = await visit()
      expect(await page.locator('#banner').innerText()).toBe('2 warnings')
      expect(await page.locator('#warning-list').innerText()).toContain('the registry timed out')
      const shown = await factsOf(page)
      expect(shown['Permission']).toBe('no answer yet')
      expect(shown['Whitelist']).toMatch(/^banned\s+as of Jan 1, 1970/)
    })

    it('leaves out the whitelist where nobody asks it, and says what is not known', async () => {
      const { facts, visit } = await startMachine()
      facts.whitelist = undefined
      facts.nodeType = undefined
      facts.expected = undefined
      facts.address = { address: undefined, source: undefined, containerOnly: false }
      facts.registration = { how: 'known', registeredAt: new Date(0), nodeType: undefined }
      const page = await visit()
      const shown = await factsOf(page)
      expect(shown).not.toHaveProperty('Whitelist')
      expect(shown).toMatchObject({ 'Node type': 'not known yet', Address: 'none found' })
      expect(shown['Registration']).toMatch(/^was registered already/)
      expect(await page.locator('#gpu-summary').innerText()).toBe('8 in all: 5 free, 3 in use')
    })

    it('shows markup from DStack as the text that it is', async () => {
      const image = '<img src=x onerror="alert(1)">'
      const script = '</td></table><script>alert(2)</script>'
      const { visit } = await startMachine([
        { slot: image, product_id: '<b>', description: script, is_free: true },
        { slot: '1', product_id: 'x', description: `NVIDIA [${image}]`, is_free: false },
      ])
      const page = await visit()
      const rows = await rowsOf(page)
      expect(rows[0]).toContain(image)
      expect(rows[0]).toContain(script)
      expect(rows[1]).toContain(image)
      expect(await page.locator('#data :is(img, script, b)').count()).toBe(0)
    })

    it('shows markup in a warning as the text that it is', async () => {
      const { facts, visit } = await startMachine()
      facts.permission = { problem: '<svg onload=alert(1)>&lt;' }
      const page = await visit()
      expect(await page.locator('#warning-list').innerText()).toContain('<svg onload=alert(1)>&lt;')
      expect(await page.locator('svg').count()).toBe(0)
    })

    it('refreshes itself', async () => {
      const { vmm, time, visit } = await startMachine()
      const page = await visit()
      expect(await rowsOf(page)).toHaveLength(8)
      vmm.setGpus(gpuCards('B200', 2))
      time.ms += LATER_MS
      await page.clock.fastForward(REFRESH_MS)
      await page.locator('#gpu-rows strong', { hasText: 'B200' }).first().waitFor()
      expect(await rowsOf(page)).toHaveLength(2)
    })

    it('keeps what the reader has selected while nothing changes', async () => {
      const { vmm, time, visit } = await startMachine()
      const page = await visit()
      await page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('#gpu-rows th'))",
      )
      time.ms += LATER_MS
      await page.clock.fastForward(REFRESH_MS)
      await vmm.received(2)
      await page.getByText('as of Jan 2, 2026, 03:05:05').waitFor()
      expect(await page.evaluate('getSelection().toString()')).toBe('18:00.0')
    })

    it.each<[string, (route: Route) => Promise<void>]>([
      ['goes away', (route) => route.abort()],
      ['fails', (route) => route.fulfill({ status: 500, json: { code: 'internal_server_error' } })],
      ['is behind a proxy that answers in its place', (route) => route.fulfill({ body: '<p>' })],
      ['is replaced by another', (route) => route.fulfill({ json: { service: 'other' } })],
    ])(
      'says so when the service %s, keeps what it said, and finds it again',
      async (_what, answer) => {
        const { url, visit } = await startMachine()
        const page = await visit()
        await page.route(url, answer)
        await page.clock.fastForward(REFRESH_MS)
        await page.getByText('The service can not be reached').waitFor()
        expect(await rowsOf(page)).toHaveLength(8)
        await page.unroute(url)
        await page.clock.fastForward(REFRESH_MS)
        await page.getByText('Everything is in order').waitFor()
      },
    )

    it('tells how old it is', async () => {
      const { visit } = await startMachine()
      const page = await visit()
      expect(await page.locator('#age').innerText()).toMatch(/^updated (now|\d+ sec\. ago)$/)
    })

    it('speaks Chinese to a Chinese browser', async () => {
      const { facts, visit } = await startMachine()
      facts.whitelist = { answer: { value: { code: 'not_listed' }, at: THEN } }
      const page = await visit({ locale: 'zh-TW', colorScheme: 'dark' })
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
      expect(await page.locator('#banner').innerText()).toBe('1 条警告')
      expect(await page.locator('#warning-list').innerText()).toMatch(
        /^此机器的密钥不在白名单中\s.*not_whitelisted$/s,
      )
      expect(await page.locator('#gpu-summary').innerText()).toBe(
        '共 8 块：空闲 5，占用 3 · 预期：8 × H200',
      )
      await keepPicture(page, 'backend-page.zh-CN')
    })

    it('has a Chinese title for each warning', async () => {
      const { visit } = await startMachine()
      const page = await visit({ locale: 'zh-CN' })
      expect(await page.evaluate('Object.keys(WORDS.warningTitles)')).toEqual([...WARNING_CODES])
    })

    it('speaks English to everybody else', async () => {
      const { visit } = await startMachine()
      const page = await visit({ locale: 'fr-FR' })
      expect(await page.locator('html').getAttribute('lang')).toBe('en')
      expect(await page.locator('#banner').innerText()).toBe('Everything is in order')
    })

    it.each<[string, Visitor]>([
      ['in light colours', { colorScheme: 'light' }],
      ['in dark colours', { colorScheme: 'dark' }],
      ['on a phone', PHONE],
      ['in Chinese', { locale: 'zh-CN' }],
    ])('has nothing in it that keeps people out, %s', async (_how, visitor) => {
      const { facts, visit } = await startMachine()
      facts.whitelist = { answer: { value: { code: 'banned' }, at: new Date(0) } }
      expect(await findBarriers(await visit(visitor))).toEqual([])
    })

    it('is dark where the browser is', async () => {
      const { visit } = await startMachine()
      const groundOf = async (visitor: Visitor) =>
        (await visit(visitor)).evaluate(
          'getComputedStyle(document.documentElement).backgroundColor',
        )
      expect(await groundOf({ colorScheme: 'light' })).toBe('rgb(245, 246, 248)')
      expect(await groundOf({ colorScheme: 'dark' })).toBe('rgb(14, 19, 26)')
    })

    it('fits on a phone, whatever DStack tells', async () => {
      const { facts, visit } = await startMachine([
        { slot: '0000:18:00.0', product_id: 'x', description: 'W'.repeat(500), is_free: true },
        { slot: 'W'.repeat(200), product_id: 'x', description: '', is_free: true },
      ])
      facts.permission = { problem: 'W'.repeat(500) }
      expect(await isTooWide(await visit(PHONE))).toBe(false)
    })

    it('copies the key with the keyboard alone', async () => {
      const { url, visit } = await startMachine()
      const page = await visit()
      await page.context().grantPermissions(['clipboard-read'], { origin: url })
      for (const key of [NPUB, PUBKEY]) {
        await page.keyboard.press('Tab')
        await page.keyboard.press('Enter')
        await page.locator('button:focus', { hasText: 'Copied' }).waitFor()
        expect(await page.locator('#announcement').innerText()).toBe('Copied')
        expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key)
      }
    })

    it('copies the key also where the page came over plain http', async () => {
      const { url, visit } = await startMachine()
      const page = await visit({}, url.replace('127.0.0.1', 'node.test'))
      expect(await page.evaluate('isSecureContext')).toBe(false)
      await page.getByLabel('Copy the key as npub').click()
      await page.getByText('Copied').first().waitFor()
      const other = await page.context().newPage()
      await other.goto(url)
      await page.context().grantPermissions(['clipboard-read'], { origin: url })
      expect(await other.evaluate('navigator.clipboard.readText()')).toBe(NPUB)
    })

    it('points to the JSON where scripts are switched off', async () => {
      const { url } = await startMachine()
      if (!browser) throw new Error('there is no browser')
      const page = await openPage(browser, url, { javaScriptEnabled: false })
      expect(await page.locator('body').innerText()).toMatch(/needs JavaScript.*JSON.*需要/s)
    })
  },
)
