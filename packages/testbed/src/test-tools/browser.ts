import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** What a visitor has; without it an English browser on a laptop, in light colours. */
export type Visitor = Pick<
  BrowserContextOptions,
  'locale' | 'colorScheme' | 'viewport' | 'javaScriptEnabled'
>

/** What Chromium sends for an address that somebody typed. */
export const BROWSER_HEADERS = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
}

/** A narrow phone, held upright. */
export const PHONE: Visitor = { viewport: { width: 360, height: 740 } }

/** What a page of ours may weigh at most, in bytes, and after how long it asks again, in milliseconds. */
export const MAX_PAGE_BYTES = 40 * 1024
export const REFRESH_MS = 5_000

const ARGUMENTS = [
  // Containers give it neither what its sandbox needs nor much shared memory.
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  // Letters in shades of one colour make smaller pictures.
  '--disable-lcd-text',
  // A name that is not the machine's own: what comes from there has come over plain http.
  '--host-resolver-rules=MAP node.test 127.0.0.1',
]

/** Starts a Chromium that shows nothing. */
export function startBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGUMENTS })
}

/**
 * Opens an address as a new visitor, who leaves when the test is over. The test fails where the browser
 * complained: of an error in a script, of a dialog, of something that the page's policy forbids; or where
 * another host was asked for anything. The page's clock is in the hands of the test: `page.clock`.
 */
export async function openPage(
  browser: Browser,
  url: string,
  { locale = 'en-GB', ...visitor }: Visitor = {},
): Promise<Page> {
  const context = await browser.newContext({ locale, timezoneId: 'UTC', ...visitor })
  const page = await context.newPage()
  const complaints = collectComplaints(page, new URL(url).host)
  onTestFinished(async () => {
    await context.close()
    if (complaints.length > 0) throw new Error(`the browser complained:\n${complaints.join('\n')}`)
  })
  await page.clock.install()
  await page.goto(url)
  return page
}

function collectComplaints(page: Page, host: string): string[] {
  const complaints: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    // That an answer was no 200 is no fault of the page.
    const isFault = message.type() === 'error' && !/^Failed to load resource/.test(message.text())
    if (isFault) complaints.push(message.text())
  })
  page.on('request', (request) => {
    const asked = new URL(request.url())
    if (asked.protocol !== 'data:' && asked.host !== host) complaints.push(`asked ${asked.host}`)
  })
  return complaints
}

/** What axe finds wrong with a page for people who read or use it otherwise: contrast, labels, landmarks. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** Whether a page is wider than its window. */
export function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
}

const PICTURE_SIZE = { width: 880, height: 400 }

/** With UPDATE_SCREENSHOTS=1 in the environment, keeps a picture of the page in docs/images. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  if (process.env['UPDATE_SCREENSHOTS'] !== '1') return
  const path = fileURLToPath(new URL(`../../../../docs/images/${name}.png`, import.meta.url))
  await page.setViewportSize(PICTURE_SIZE)
  await page.screenshot({ path, fullPage: true })
}
