// The page of the whitelist service: how the list stands, and a box to check a key.
'use strict'

/**
 * What `/health`, `/ready` and `/` answer, as far as the page shows it.
 * @typedef {{ status: 'ok' | 'degraded', reason?: string, keys: number, entries: number,
 *   loaded_at: string }} Health
 * @typedef {{ status: 'ready' | 'stopping', version: string }} Ready
 * @typedef {{ service: string, version: string, endpoints: Record<string, string> }} About
 */

async function loadState() {
  const [health, ready, about] = await Promise.all(['health', 'ready', ''].map(askService))
  return {
    health: /** @type {Health} */ (health?.body),
    ready: /** @type {Ready} */ (ready?.body),
    about: /** @type {About} */ (about?.body),
  }
}

/** @param {Awaited<ReturnType<typeof loadState>>} state */
function showState({ health, ready, about }) {
  const { status, reason = '', keys, entries } = health
  if (status !== 'ok') showBanner('bad', WORDS.degraded, reason, 'en')
  else if (ready.status !== 'ready') showBanner('warn', WORDS.stopping)
  else if (entries === 0) showBanner('warn', WORDS.empty)
  else showBanner('ok', WORDS.fine)
  const others = entries > keys ? WORDS.otherEntries(entries - keys) : ''
  const facts = [
    { term: WORDS.keys, text: formatNumber(keys) },
    { term: WORDS.entries, text: formatNumber(entries), note: others },
    { term: WORDS.version, text: ready.version, code: true },
    { term: WORDS.loaded, text: formatTime(health.loaded_at) },
  ]
  setContent('facts', facts, (items) => items.flatMap(factItems))
  setText('version', `${about.service} ${about.version}`)
  showEndpoints('links', about.endpoints)
}

/** @param {number} count */
function formatNumber(count) {
  return count.toLocaleString(document.documentElement.lang)
}

fillWords(WORDS)
offerCheck()
keepFresh(
  loadState,
  showState,
  () => {
    showBanner('bad', WORDS.unreachable, WORDS.goesOn)
  },
  WORDS.updated,
)
