// The page of the backend: what `GET /` tells, as people read it.
'use strict'

/**
 * What `GET /` answers, as far as the page shows it.
 * @typedef {{ code: string, message: string, next_step: string }} Warning
 * @typedef {{ slot: string, model: string | null, description: string, is_free: boolean }} Gpu
 * @typedef {{ checked_at: string | null, problem?: string }} Check
 * @typedef {object} NodeStatus
 * @property {string} service
 * @property {string} version
 * @property {string} pubkey
 * @property {string} npub
 * @property {string} owner
 * @property {string | null} node_type
 * @property {{ how: 'known' | 'new', registered_at: string }} registration
 * @property {{ state: 'available' | 'unavailable' | 'unknown', reason?: string, class?: string,
 *   next_step?: string, sampled_at?: string }} dstack
 * @property {{ model: string | null, count: number } | null} expected
 * @property {Gpu[] | null} gpus
 * @property {{ allowed: boolean | null } & Check} permission
 * @property {({ code: string | null } & Check) | null} whitelist
 * @property {{ ip: string | null, source: string | null }} address
 * @property {Warning[]} warnings
 * @property {Record<string, string>} endpoints
 */

/** @param {NodeStatus} status */
function showStatus(status) {
  showSummary(status)
  byId('warnings').hidden = status.warnings.length === 0
  setContent('warning-list', status.warnings, (warnings) => warnings.map(warningItem))
  showGpus(status)
  setText('npub', status.npub)
  setText('pubkey', status.pubkey)
  setContent('facts', factsOf(status), (facts) => facts.flatMap(factItems))
  setText('version', `${status.service} ${status.version}`)
  showEndpoints('links', status.endpoints)
}

/** @param {NodeStatus} status */
function showSummary({ dstack, warnings }) {
  if (dstack.state === 'unavailable') showBanner('bad', WORDS.down)
  else if (warnings.length > 0) showBanner('warn', WORDS.warned(warnings.length))
  else if (dstack.state === 'unknown') showBanner('warn', WORDS.notAsked)
  else showBanner('ok', WORDS.fine)
}

/** @param {Warning} warning */
function warningItem({ code, message, next_step }) {
  const mood = code.startsWith('dstack_') ? 'bad' : 'warn'
  const title = WORDS.warningTitles[code]
  const item = make('li', {}, make('p', { class: `state ${mood}` }, title ?? said(message)))
  if (title !== undefined) item.append(make('p', {}, said(message)))
  item.append(make('p', {}, said(next_step)), make('p', { class: 'muted' }, make('code', {}, code)))
  return item
}

/** @param {NodeStatus} status */
function showGpus({ gpus, expected }) {
  const cards = gpus ?? []
  const free = cards.filter((gpu) => gpu.is_free).length
  const counted = gpus ? [WORDS.gpuSummary(cards.length, free)] : []
  const wanted = expected ? [WORDS.expected(expected.count, expected.model)] : []
  setText('gpu-summary', [...counted, ...wanted].join(' · '))
  byId('gpu-table').hidden = cards.length === 0
  byId('no-gpus').hidden = cards.length > 0
  setText('no-gpus', gpus ? WORDS.noGpus : WORDS.gpusUnknown)
  setContent('gpu-rows', cards, (rows) => rows.map(gpuRow))
}

/**
 * The description is shown where it tells more than the model.
 * @param {Gpu} gpu
 */
function gpuRow({ slot, model, description, is_free }) {
  const slotCell = make('th', {}, make('code', {}, slot))
  slotCell.setAttribute('scope', 'row')
  const modelCell = make('td', {}, make('strong', { class: 'model' }, model ?? WORDS.unnamed))
  if (model === null || !description.endsWith(`[${model}]`)) {
    modelCell.append(' ', make('span', { class: 'muted description', lang: 'en' }, description))
  }
  const use = is_free
    ? stateOf('ok', WORDS.free)
    : make('span', { class: 'state used' }, WORDS.inUse)
  return make('tr', {}, slotCell, modelCell, make('td', {}, use))
}

/**
 * @param {NodeStatus} status
 * @returns {Fact[]}
 */
function factsOf(status) {
  const { node_type, registration, permission, whitelist, address, owner } = status
  return [
    dstackFact(status),
    { term: WORDS.nodeType, text: node_type ?? WORDS.unknown, code: node_type !== null },
    {
      term: WORDS.registration,
      mood: 'ok',
      text: registration.how === 'new' ? WORDS.registeredNew : WORDS.registeredKnown,
      note: formatTime(registration.registered_at),
    },
    {
      term: WORDS.permission,
      ...permissionState(permission.allowed),
      note: noteOf(permission),
    },
    ...(whitelist ? [whitelistFact(whitelist)] : []),
    {
      term: WORDS.address,
      text: address.ip ?? WORDS.noAddress,
      ...(address.ip === null ? { mood: 'warn' } : { code: true }),
      note: WORDS.addressSources[address.source ?? ''] ?? '',
    },
    { term: WORDS.owner, text: owner, code: true },
  ]
}

/**
 * @param {NodeStatus} status
 * @returns {Fact}
 */
function dstackFact({ dstack }) {
  const term = WORDS.dstack
  if (dstack.state === 'unknown') return { term, mood: 'warn', text: WORDS.notAsked }
  const note = WORDS.asOf(formatTime(dstack.sampled_at))
  if (dstack.state === 'available') return { term, mood: 'ok', text: WORDS.answers, note }
  return { term, mood: 'bad', text: `${WORDS.silent} (${dstack.class ?? ''})`, note }
}

/**
 * @param {boolean | null} allowed
 * @returns {{ mood: Mood, text: string }}
 */
function permissionState(allowed) {
  if (allowed === null) return { mood: 'warn', text: WORDS.noAnswer }
  return allowed ? { mood: 'ok', text: WORDS.allowed } : { mood: 'bad', text: WORDS.refused }
}

/**
 * @param {{ code: string | null } & Check} whitelist
 * @returns {Fact}
 */
function whitelistFact(whitelist) {
  const { code } = whitelist
  return {
    term: WORDS.whitelist,
    mood: code === 'listed' ? 'ok' : code === null ? 'warn' : 'bad',
    text: code === null ? WORDS.noAnswer : (WORDS.whitelistCodes[code] ?? code),
    note: noteOf(whitelist),
  }
}

/** @param {Check} check */
function noteOf({ checked_at }) {
  return checked_at === null ? '' : WORDS.asOf(formatTime(checked_at))
}

fillWords(WORDS)
offerCopy('copy-npub', 'npub', WORDS)
offerCopy('copy-pubkey', 'pubkey', WORDS)
keepFresh(
  async () => /** @type {NodeStatus} */ ((await askService('')).body),
  showStatus,
  () => {
    showBanner('bad', WORDS.unreachable, WORDS.goesOn)
  },
  WORDS.updated,
)
