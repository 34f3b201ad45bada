// The box that answers whether a key is on the list.
'use strict'

/**
 * What `/api/check` answers: a verdict, or an error.
 * @typedef {{ code: string, npub?: string, pubkey?: string, label?: string, expires_at?: string,
 *   message?: string }} CheckAnswer
 * @typedef {{ mood: Mood, title: string, facts?: Fact[], detail?: string, said?: string,
 *   clears?: boolean }} Verdict
 */

/**
 * Whether a text may hold a secret key, whole or in pieces: such a text never leaves the page.
 * @param {string} text
 */
function mayBeSecret(text) {
  const bare = text.replaceAll(/[\s\u00ad\u200b-\u200d\u2060\ufeff]/gu, '')
  return /n(?:crypt)?sec1/i.test(bare) || /^(?:nostr:)?n(?:crypt)?sec/i.test(bare)
}

/**
 * @param {number} status
 * @param {CheckAnswer} answer
 * @returns {Verdict}
 */
function verdictOf(status, { code, npub, pubkey, label, expires_at, message }) {
  if (status === 400 && message !== undefined) {
    return code === 'secret_key'
      ? { mood: 'bad', title: WORDS.secret, said: message, clears: true }
      : { mood: 'warn', title: WORDS.noKey, said: message }
  }
  const title = code === 'listed' ? WORDS.listed : WORDS.refusals[code]
  if (title === undefined || (code === 'listed') !== (status === 200)) return UNANSWERED
  /** @type {[string, string | undefined, boolean][]} */
  const facts = [
    [WORDS.label, label, false],
    [code === 'expired' ? WORDS.expired : WORDS.expires, formatTime(expires_at), false],
    [WORDS.npub, npub, true],
    [WORDS.hex, pubkey, true],
  ]
  return {
    mood: code === 'listed' ? 'ok' : 'bad',
    title,
    facts: facts.flatMap(([term, text = '', code]) => (text === '' ? [] : [{ term, text, code }])),
  }
}

/** @type {Verdict} */
const UNANSWERED = { mood: 'warn', title: WORDS.unanswered }

/** @param {Verdict | undefined} verdict */
function showVerdict(verdict) {
  byId('verdict').replaceChildren(...(verdict ? [verdictBox(verdict)] : []))
}

/** @param {Verdict} verdict */
function verdictBox({ mood, title, facts = [], detail, said: words }) {
  const box = make('div', { class: `banner verdict ${mood}` }, make('p', { class: 'state' }, title))
  if (detail !== undefined) box.append(make('p', { class: 'detail' }, detail))
  if (words !== undefined) box.append(make('p', { class: 'detail' }, said(words)))
  if (facts.length > 0) {
    box.append(make('dl', { class: 'facts' }, ...facts.flatMap(factItems)))
  }
  return box
}

/** @type {Verdict} */
const SECRET = { mood: 'bad', title: WORDS.secret, detail: WORDS.secretDetail, clears: true }

/**
 * The verdict on what was typed; a secret key is not asked about.
 * @param {string} text
 * @returns {Promise<Verdict>}
 */
async function judge(text) {
  if (mayBeSecret(text)) return SECRET
  if (text.trim() === '') return { mood: 'warn', title: WORDS.missing }
  try {
    // URLSearchParams can write any text, half a surrogate pair too.
    const query = new URLSearchParams({ pubkey: text }).toString()
    const { status, body } = await askService(`api/check?${query}`)
    return verdictOf(status, /** @type {CheckAnswer} */ (body))
  } catch {
    return UNANSWERED
  }
}

/** Answers each question in the box; of several at once, the last. */
function offerCheck() {
  const input = /** @type {HTMLInputElement} */ (byId('key'))
  let asked = 0
  byId('check').addEventListener('submit', (event) => {
    event.preventDefault()
    const turn = (asked += 1)
    showVerdict(undefined)
    void judge(input.value).then((verdict) => {
      if (turn !== asked) return
      if (verdict.clears === true) input.value = ''
      showVerdict(verdict)
    })
  })
}
