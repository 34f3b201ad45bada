import { oneLine } from '../one-line.js'
import { knownGpu, type KnownGpu } from './known-gpus.js'

/** What tells the model of a card. */
export interface GpuIdentity {
  /** Vendor and device, `10de:2335`. */
  productId: string
  /** The name in the pci.ids of the host, which may be too old to have one. */
  description: string
}

/** The model of a card. */
export interface GpuModel {
  /** The model whatever its variant, like `H200`; the whole name where the product id is not known. */
  family: string
  /** The full name, like `H200 SXM 141GB`. */
  name: string
  /** Whether the product id says so; if not, the name is only what the host calls it. */
  known: boolean
}

/** Whether a card is of a model; `unknown` where there is nothing to go by. */
export type ModelMatch = 'yes' | 'no' | 'unknown'

const MAX_NAME = 60

const FORM = 'SXM\\d?|PCIE|NVL\\d*'
const MEMORY = '\\d{2,3}GB?'
const MEMORY_KIND = 'HBM\\d+E?'
const IS_FORM = new RegExp(`^(?:${FORM})$`)
const IS_MEMORY = new RegExp(`^(?:${MEMORY})$`)

/**
 * The model of a card: by its product id, and where that is not known, the last `[…]` of its description.
 * Undefined where neither says anything. The name comes from outside: it is cut and fit for a message.
 */
export function modelOf({ productId, description }: GpuIdentity): GpuModel | undefined {
  const known = knownGpu(productId)
  if (known) return { family: known.family, name: known.name, known: true }
  const name = oneLine(/^.*\[([^[\]]*)\]/s.exec(description)?.[1] ?? '', MAX_NAME)
  return name === '' ? undefined : { family: name, name, known: false }
}

/**
 * Whether an operator's label, in any case and with any separators, names this card: `H200`, `h200-nvl`,
 * `H100-SXM5-80GB`, `RTX 4090`. Never by a part of a word: each Hopper's description has `GH100` in it.
 *
 * A variant (form, memory) that the label names must be the card's, as far as that is known.
 */
export function matchModel(card: GpuIdentity, label: string): ModelMatch {
  const wanted = wordsOf(label).join('').toUpperCase()
  const plain = wanted.replace(/^(?:NVIDIA)?(?:HGX)?(?=.)/, '')
  const known = knownGpu(card.productId)
  if (known) return patternOf(known).test(plain) ? 'yes' : 'no'
  const words = wordsOf(modelOf(card)?.name ?? '').map((word) => word.toUpperCase())
  if (words.length === 0) return 'unknown'
  return isRunOf(words, wanted) || isRunOf(words, plain) ? 'yes' : 'no'
}

/** The words of a text, of ASCII letters and digits alone. */
export function wordsOf(text: string): string[] {
  return text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
}

/** The family, then words of the name, or of a variant that the name leaves open. */
function patternOf({ family, name, also = [] }: KnownGpu): RegExp {
  const start = wordsOf(family).join('').toUpperCase()
  const [, rest = ''] = name.toUpperCase().split(family.toUpperCase())
  const words = [...wordsOf(rest), ...also]
  const open = [
    ...(words.some((word) => IS_FORM.test(word)) ? [] : [FORM]),
    ...(words.some((word) => IS_MEMORY.test(word)) ? [] : [MEMORY]),
    MEMORY_KIND,
  ]
  return new RegExp(`^${start}(?:${[...words.map(shortenable), ...open].join('|')})*$`)
}

/** A pattern for a word and its shorter form: `SXM` for `SXM5`, `80G` for `80GB`. */
function shortenable(word: string): string {
  return word.replace(/^SXM(\d)$/, 'SXM$1?').replace(/^(\d+)GB?$/, '$1GB?')
}

/** Whether whole words that follow one another make up the label; one for the form, like `SXM4`, may be left out. */
function isRunOf(words: string[], label: string): boolean {
  const brief = words.filter((word) => !IS_FORM.test(word))
  return [words, brief].some((list) =>
    list.some((_, from) => {
      let rest = label
      for (const word of list.slice(from)) {
        if (!rest.startsWith(word)) return false
        rest = rest.slice(word.length)
        if (rest === '') return true
      }
      return false
    }),
  )
}
