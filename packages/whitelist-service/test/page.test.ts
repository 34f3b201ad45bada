import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
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
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { nip19 } from 'nostr-tools'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseAllowlist } from '../src/list/allowlist.js'
import { listOf } from './_bytes.js'
import { whitelistPage } from '../src/page/whitelist-page.js'
import { folderWithList, start } from './_program.js'
import { makeServer, type TestServer } from './_server.js'

const chromium = findProgram('chromium')
const MARKUP = '<img src=x onerror="alert(1)"></dd><script>alert(2)</script>'

let browser: Awaited<ReturnType<typeof startBrowser>> | undefined
beforeAll(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium)
})
afterAll(() => browser?.close())

const listed = 'ecbdb624e161cd700b026bf5bd4786da584a0f820989dff9c631ecffa06983fc'
const expired = makeKey()
const banned = makeKey()
const odd = makeKey()
const META = {
  [listed]: { label: 'gpu-7', expires_at: '2027-06-30T18:00:00Z' },
  [expired.hex]: { expires_at: '2025-01-01T00:00:00Z' },
  [odd.hex]: { label: MARKUP },
}

interface Service extends TestServer {
  url: string
  visit: (visitor?: Visitor, url?: string) => ReturnType<typeof openPage>
}

type Shown = Awaited<ReturnType<Service['visit']>>

async function startService(
  pubkeys: readonly string[] = [listed, expired.npub, odd.npub, odd.hex, 'not a key'],
): Promise<Service> {
  const server = await makeServer(pubkeys, {
    meta: META,
    banned: { [banned.hex]: { reason: 'sold' } },
  })
  const url = await server.app.listen({ host: '127.0.0.1', port: 0 })
  const visit = async (visitor?: Visitor, address = url) => {
    if (!browser) throw new Error('there is no browser')
    const page = await openPage(browser, address, visitor)
    await page.locator('#data').waitFor()
    return page
  }
  return { ...server, url, visit }
}

/** Types a text into the box, and tells what the page says to it. */
async function ask(page: Shown, text: string): Promise<string> {
  await page.getByRole('textbox').fill(text)
  await page.getByRole('textbox').press('Enter')
  await page.locator('#verdict .state').waitFor()
  return page.locator('#verdict').innerText()
}

/** Passes everything below `/list` on to the service, as a proxy would that guards several. */
async function startProxy(target: string): Promise<string> {
  const proxy = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/list\/?/, '/')
    const { method, headers } = request
    forward(target + path, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    }).end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    proxy.close().closeAllConnections()
  })
  await once(proxy, 'listening')
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/list`
}

describe('GET / of a browser', () => {
  it('answers a small page, and to everybody else the JSON as before', async () => {
    const { app } = await makeServer([listed])
    const page = await app.inject({ url: '/', headers: BROWSER_HEADERS })
    expect([page.statusCode, page.headers['vary']]).toEqual([200, 'accept'])
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.rawPayload.length).toBeLessThan(MAX_PAGE_BYTES)
    const plain = await app.inject('/')
    expect(plain.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      vary: 'accept',
    })
    expect(plain.body).toMatch(/^\{"service":"whitelist-service","description":/)
  })

  it('is the same in the built program', async () => {
    const program = start({ cwd: await folderWithList([listed]) })
    const answer = await fetch(await program.url, { headers: BROWSER_HEADERS })
    expect(await answer.text()).toBe(whitelistPage.body)
    expect(Object.fromEntries(answer.headers)).toMatchObject(whitelistPage.headers)
  })
})

describe.skipIf(chromium === undefined)(
  'the page of the whitelist service (needs Chromium, Debian package chromium)',
  () => {
    it('shows the size of the list, its version and when it was loaded', async () => {
      const { state, visit } = await startService()
      const page = await visit()
      expect(await page.locator('#banner').innerText()).toBe(
        'The list in the file is the list being served',
      )
      expect(await page.title()).toBe(
        'The list in the file is the list being served – Whitelist service',
      )
      expect(await page.locator('#facts dd').allInnerTexts()).toEqual([
        '3',
        expect.stringMatching(/^5\s+2 are keys written twice, or no valid keys$/) as string,
        state.allowlist.version,
        'Jan 2, 2026, 03:04:05',
      ])
      await ask(page, listed)
      await keepPicture(page, 'whitelist-page')
    })

    it('shows why the list in the file is not the one being served', async () => {
      const { state, visit } = await startService()
      state.problem = `whitelist.json: line 3: ${MARKUP}`
      const page = await visit()
      expect(await page.locator('#banner').innerText()).toMatch(
        /^The last good list is still served, not the one in the file\s+whitelist\.json: line 3: <img/,
      )
      expect(await page.locator(':is(body) :is(img, dd script)').count()).toBe(0)
    })

    it('shows that the list is empty', async () => {
      const { visit } = await startService([])
      const page = await visit()
      expect(await page.locator('#banner').innerText()).toBe(
        'The list is empty: no key is whitelisted',
      )
      expect((await page.locator('#facts dd').allInnerTexts()).slice(0, 2)).toEqual(['0', '0'])
    })

    it('shows that the service is about to stop', async () => {
      const { stopping, visit } = await startService()
      stopping.abort()
      const page = await visit()
      expect(await page.locator('#banner').innerText()).toBe('The service is about to stop')
    })

    it('refreshes itself', async () => {
      const { state, visit } = await startService()
      const page = await visit()
      state.allowlist = parseAllowlist(listOf([listed]))
      await page.clock.fastForward(REFRESH_MS)
      await page.locator('#facts', { hasText: state.allowlist.version }).waitFor()
      expect((await page.locator('#facts dd').allInnerTexts()).slice(0, 2)).toEqual(['1', '1'])
    })

    it('says so when the service goes away, and finds it again', async () => {
      const { visit } = await startService()
      const page = await visit()
      await page.route('**/health', (route) => route.abort())
      await page.clock.fastForward(REFRESH_MS)
      await page.getByText('The service can not be reached').waitFor()
      expect(await page.locator('#facts').isVisible()).toBe(true)
      await page.unroute('**/health')
      await page.clock.fastForward(REFRESH_MS)
      await page.getByText('The list in the file is the list being served').waitFor()
    })

    it.each([
      ['in hex', listed],
      ['as npub', nip19.npubEncode(listed)],
      ['as a nostr: link with white space around it', ` nostr:${nip19.npubEncode(listed)}\n`],
    ])('says yes to a listed key %s, with its label and its end', async (_how, text) => {
      const { visit } = await startService()
      expect((await ask(await visit(), text)).split(/\n+/)).toEqual([
        'Yes: it is on the list',
        'Label',
        'gpu-7',
        'Expires',
        'Jun 30, 2027, 18:00:00',
        'npub',
        nip19.npubEncode(listed),
        'Hex',
        listed,
      ])
    })

    it('says no to a key that is not listed', async () => {
      const { visit } = await startService()
      expect(await ask(await visit(), makeKey().npub)).toMatch(/^No: it is not on the list\s+npub/)
    })

    it('says no to a banned key', async () => {
      const { visit } = await startService()
      expect(await ask(await visit(), banned.hex)).toMatch(/^No: it is banned\s+npub/)
    })

    it('says no to an expired key, and when it ended', async () => {
      const { visit } = await startService()
      expect(await ask(await visit(), expired.npub)).toMatch(
        /^No: its time is over\s+Expired\s+Jan 1, 2025, 00:00:00\s/,
      )
    })

    it.each([
      ['a word', 'hello', /^This is no public key\s+not a Nostr public key: use npub1/],
      ['half a key', listed.slice(2), /^This is no public key\s+a public key has 32 bytes/],
      ['a mistyped npub', `${nip19.npubEncode(listed).slice(0, -1)}b`, /^This is no public key/],
      ['half a surrogate pair', '\ud800', /^This is no public key/],
      [
        'far too much text',
        'x'.repeat(6_000),
        /^This is no public key\s+pubkey has more than 5000/,
      ],
      ['nothing', '  ', /^Enter a public key first$/],
    ])('tells what is wrong with %s', async (_what, text, words) => {
      const { visit } = await startService()
      expect(await ask(await visit(), text)).toMatch(words)
    })

    it.each([
      ['a secret key', nip19.nsecEncode(Buffer.from(listed, 'hex'))],
      ['one in capitals', nip19.nsecEncode(Buffer.from(listed, 'hex')).toUpperCase()],
      ['an encrypted one', 'ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd'],
      ['one with a zero-width space in it', 'ns\u200bec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9'],
      ['one with blanks in it', 'nsec 1vl029mgpspedva04g90v ltkh6fvh240zqtv9k0t9'],
      ['the start of one', 'nostr:nsec'],
      ['one among other words', `my key: ${nip19.nsecEncode(Buffer.from(listed, 'hex'))}`],
    ])('sends %s nowhere, clears the box and says what to do', async (_what, text) => {
      const { visit } = await startService()
      const page = await visit()
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      expect(await ask(page, text)).toMatch(
        /^This is a SECRET key\s+Treat it as leaked: stop using/,
      )
      expect(await page.getByRole('textbox').inputValue()).toBe('')
      expect(asked.filter((url) => url.includes('check'))).toEqual([])
      expect(await page.content()).not.toContain(text)
    })

    it('clears the box also where only the service knows a secret key', async () => {
      const { visit } = await startService()
      const page = await visit()
      await page.route('**/api/check**', (route) =>
        route.fulfill({ status: 400, json: { code: 'secret_key', message: 'it is a SECRET key' } }),
      )
      expect(await ask(page, 'x')).toMatch(/^This is a SECRET key\s+it is a SECRET key$/)
      expect(await page.getByRole('textbox').inputValue()).toBe('')
    })

    it('lets nobody in when there is no answer', async () => {
      const { visit } = await startService()
      const page = await visit()
      await page.route('**/api/check**', (route) => route.abort())
      expect(await ask(page, listed)).toBe('No answer: let nobody in until there is one')
    })

    it('takes no answer for a yes but a yes', async () => {
      const { visit } = await startService()
      const page = await visit()
      await page.route('**/api/check**', (route) =>
        route.fulfill({ status: 503, json: { code: 'listed' } }),
      )
      expect(await ask(page, listed)).toBe('No answer: let nobody in until there is one')
    })

    it('answers the last question where several are under way', async () => {
      const { visit } = await startService()
      const page = await visit()
      let answerFirst = async () => undefined as unknown
      await page.route(`**/api/check?pubkey=${listed}`, (route) => {
        answerFirst = () => route.continue()
      })
      await page.getByRole('textbox').fill(listed)
      await Promise.all([
        page.waitForRequest('**/api/check**'),
        page.getByRole('button', { name: 'Check' }).click(),
      ])
      expect(await ask(page, banned.hex)).toMatch(/^No: it is banned/)
      await Promise.all([page.waitForResponse('**/api/check**'), answerFirst()])
      expect(await page.locator('#verdict').innerText()).toMatch(/^No: it is banned/)
    })

    it('shows markup in a label as the text that it is', async () => {
      const { visit } = await startService()
      const page = await visit()
      expect(await ask(page, odd.npub)).toContain(MARKUP)
      expect(await page.locator('#verdict :is(img, script)').count()).toBe(0)
    })

    it('works with the keyboard alone', async () => {
      const { visit } = await startService()
      const page = await visit()
      await page.keyboard.press('Tab')
      await page.keyboard.type(banned.hex)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      await page.getByText('No: it is banned').waitFor()
    })

    it('works below a prefix of a proxy', async () => {
      const { url, visit } = await startService()
      const prefixed = await startProxy(url)
      for (const address of [prefixed, `${prefixed}/`]) {
        const page = await visit({}, address)
        expect(await ask(page, listed)).toMatch(/^Yes/)
        expect(await page.getByText('/health').getAttribute('href')).toBe(`${prefixed}/health`)
      }
    })

    it('speaks Chinese to a Chinese browser', async () => {
      const { visit } = await startService()
      const page = await visit({ locale: 'zh-CN', colorScheme: 'dark' })
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
      expect(await page.locator('#banner').innerText()).toBe('正在使用的名单与文件一致')
      expect(await ask(page, banned.hex)).toMatch(/^否：已被封禁\s/)
      expect(await ask(page, 'nsec1x')).toContain('请视为已泄露')
      expect(await ask(page, listed)).toMatch(/^是：在名单中\s/)
      await keepPicture(page, 'whitelist-page.zh-CN')
    })

    it.each<[string, Visitor]>([
      ['in light colours', { colorScheme: 'light' }],
      ['in dark colours', { colorScheme: 'dark' }],
      ['on a phone', PHONE],
      ['in Chinese', { locale: 'zh-CN' }],
    ])('has nothing in it that keeps people out, %s', async (_how, visitor) => {
      const { state, visit } = await startService()
      state.problem = 'whitelist.json: line 3: not valid JSON'
      const page = await visit(visitor)
      for (const text of [listed, banned.hex, 'hello']) {
        await ask(page, text)
        expect(await findBarriers(page)).toEqual([])
      }
    })

    it('fits on a phone', async () => {
      const { state, visit } = await startService()
      state.problem = 'W'.repeat(500)
      const page = await visit(PHONE)
      await ask(page, listed)
      expect(await isTooWide(page)).toBe(false)
    })

    it('points to the JSON where scripts are switched off', async () => {
      const { url } = await startService()
      if (!browser) throw new Error('there is no browser')
      const page = await openPage(browser, url, { javaScriptEnabled: false })
      expect(await page.locator('body').innerText()).toMatch(/needs JavaScript.*JSON.*需要/s)
    })
  },
)
