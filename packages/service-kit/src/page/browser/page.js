// What the pages of both services do in the same way. A classic script: its functions are there for the
// scripts after it, and nothing has to be fetched. Text from outside only ever becomes a text node.
'use strict'

/** @typedef {'ok' | 'warn' | 'bad'} Mood */

const REFRESH_MS = 5_000
const ANSWER_MS = 10_000
const COPIED_MS = 2_000

/** The first of the browser's languages that the pages speak. */
const LANGUAGE =
  navigator.languages.map((tag) => tag.toLowerCase().split('-')[0]).find(isSpoken) ?? 'en'

/**
 * @param {string | undefined} tag
 * @returns {tag is 'en' | 'zh'}
 */
function isSpoken(tag) {
  return tag === 'en' || tag === 'zh'
}

/** @param {string} id */
function byId(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`nothing has the id ${id}`)
  return element
}

/**
 * Makes an element.
 * @param {string} name
 * @param {{ class?: string, lang?: string }} attributes
 * @param {...(Node | string)} content
 */
function make(name, attributes, ...content) {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes))
    element.setAttribute(attribute, value)
  element.append(...content)
  return element
}

/**
 * Sets a text where it is another one: a reader's selection stays, and nothing is announced twice.
 * @param {string | Element} place an element or its id
 * @param {string} text
 */
function setText(place, text) {
  const element = typeof place === 'string' ? byId(place) : place
  if (element.textContent !== text) element.textContent = text
}

/**
 * Shows content made from a value, made anew where the value is another one.
 * @template T
 * @param {string} id
 * @param {T} value
 * @param {(value: T) => (Node | string)[]} render
 */
function setContent(id, value, render) {
  const element = byId(id)
  const seen = JSON.stringify(value)
  if (element.dataset['seen'] === seen) return
  element.dataset['seen'] = seen
  element.replaceChildren(...render(value))
}

/**
 * Puts the words into everything that asks for one, with `data-word` or, for its label, `data-label`, and
 * shows the page.
 * @param {Record<string, unknown>} words
 */
function fillWords(words) {
  document.documentElement.lang = LANGUAGE === 'zh' ? 'zh-CN' : 'en'
  for (const element of document.querySelectorAll('[data-word]')) {
    setText(element, String(words[element.getAttribute('data-word') ?? '']))
  }
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', String(words[element.getAttribute('data-label') ?? '']))
  }
  byId('main').hidden = false
}

/**
 * A dot and words.
 * @param {Mood} mood
 * @param {string} text
 */
function stateOf(mood, text) {
  return make('span', { class: `state ${mood}` }, text)
}

/**
 * What the service says itself, which is in English.
 * @param {string} text
 */
function said(text) {
  return make('span', { lang: 'en' }, text)
}

/**
 * The one line that tells how things are.
 * @param {Mood} mood
 * @param {string} title
 * @param {string} detail
 * @param {string} lang of the detail
 */
function showBanner(mood, title, detail = '', lang = document.documentElement.lang) {
  byId('banner').className = `banner ${mood}`
  setText('banner-title', title)
  setText('banner-detail', detail)
  byId('banner-detail').lang = lang
  byId('banner-detail').hidden = detail === ''
  document.title = `${title} – ${byId('service').textContent}`
}

/**
 * A line of a list of facts.
 * @typedef {{ term: string, mood?: Mood, text: string, code?: boolean, note?: string }} Fact
 * @param {Fact} fact
 */
function factItems({ term, mood, text, code, note = '' }) {
  const value = mood ? stateOf(mood, text) : code === true ? make('code', {}, text) : text
  const description = make('dd', {}, value)
  if (note !== '') description.append(make('span', { class: 'muted' }, note))
  return [make('dt', {}, term), description]
}

/**
 * A moment as people here write it; empty for none.
 * @param {string | null | undefined} iso
 */
function formatTime(iso) {
  const time = new Date(iso ?? NaN)
  if (Number.isNaN(time.getTime())) return ''
  return time.toLocaleString(document.documentElement.lang, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hourCycle: 'h23',
  })
}

/**
 * How long ago, like `3 sec. ago` or `now`.
 * @param {number} milliseconds
 */
function formatAge(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, {
    style: 'short',
    numeric: 'auto',
  })
  return seconds < 120
    ? format.format(-seconds, 'second')
    : format.format(-Math.round(seconds / 60), 'minute')
}

/**
 * An address of this service. The page's own may be below a proxy's prefix, with or without a slash at its end.
 * @param {string} path empty for the page itself
 */
function addressOf(path) {
  const { origin, pathname } = location
  return origin + (path === '' ? pathname : pathname.replace(/\/?$/, '/') + path)
}

/**
 * Asks this service.
 * @param {string} path
 * @returns {Promise<{ status: number, body: unknown }>} rejects where the answer is no JSON
 */
async function askService(path) {
  const response = await fetch(addressOf(path), {
    headers: { accept: 'application/json' },
    cache: 'no-store',
    signal: AbortSignal.timeout(ANSWER_MS),
  })
  const body = /** @type {unknown} */ (await response.json())
  return { status: response.status, body }
}

/**
 * Loads and shows, now and every few seconds while somebody looks, and tells how old it is. What can't be
 * shown, as it is another's answer, counts as none.
 * @template T
 * @param {() => Promise<T>} load
 * @param {(value: T) => void} show
 * @param {() => void} showFailure
 * @param {(age: string) => string} describeAge
 */
function keepFresh(load, show, showFailure, describeAge) {
  let running = false
  let loadedAt = NaN
  /** @type {number | undefined} */
  let timer

  async function look() {
    if (running) return
    running = true
    clearTimeout(timer)
    try {
      show(await load())
      loadedAt = performance.now()
      byId('data').hidden = false
    } catch {
      showFailure()
    }
    running = false
    tellAge()
    if (!document.hidden) timer = setTimeout(() => void look(), REFRESH_MS)
  }

  function tellAge() {
    if (loadedAt > 0) setText('age', describeAge(formatAge(performance.now() - loadedAt)))
  }

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void look()
  })
  setInterval(tellAge, 1_000)
  void look()
}

/**
 * Copies what stands in an element when its button is pressed. Browsers keep the clipboard from pages that
 * came over plain http; where the older way fails too, the text is left selected.
 * @param {string} buttonId
 * @param {string} sourceId
 * @param {{ copy: string, copied: string, selected: string }} words
 */
function offerCopy(buttonId, sourceId, words) {
  const button = byId(buttonId)
  const source = byId(sourceId)
  /** @type {number | undefined} */
  let timer
  button.addEventListener('click', () => {
    void copyText(source).then((copied) => {
      setText(button, copied ? words.copied : words.selected)
      setText('announcement', copied ? words.copied : words.selected)
      clearTimeout(timer)
      timer = setTimeout(() => {
        setText(button, words.copy)
        setText('announcement', '')
      }, COPIED_MS)
    })
  })
}

/** @param {Element} source */
async function copyText(source) {
  try {
    await navigator.clipboard.writeText(source.textContent)
    return true
  } catch {
    getSelection()?.selectAllChildren(source)
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing else works over plain http
    return document.execCommand('copy')
  }
}

/**
 * Links to what can be read with a plain GET.
 * @param {string} id
 * @param {Record<string, string>} endpoints
 */
function showEndpoints(id, endpoints) {
  setContent(id, Object.entries(endpoints), (entries) =>
    entries.flatMap(([endpoint, title]) => {
      const [, path] = /^GET \/([a-z][a-z./]*)$/.exec(endpoint) ?? []
      if (path === undefined) return []
      const link = make('a', { lang: 'en' }, `/${path}`)
      link.setAttribute('href', addressOf(path))
      link.title = title
      return [link]
    }),
  )
}
