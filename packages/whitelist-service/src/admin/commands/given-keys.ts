import { CommandError, EXIT, UsageError } from '@dstack-node/service-kit/command-error'
import { formatNpub } from '@dstack-node/service-kit/npub'
import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import type { ListContext } from './list-command.js'
import { readLines } from './read-lines.js'

/** A key as it was given to a command. */
export interface GivenKey {
  /** In hex. */
  pubkey: string
  /** As the list is to spell it: an npub where it was given as `npub1…` or `nprofile1…`, else hex. */
  spelling: string
}

/** A text that should be a key, and where it stands. */
interface GivenText {
  text: string
  place: string
}

const PROBLEMS_TOLD = 10

/**
 * The keys in the arguments, and on standard input where one of those is `-`; each once, in their order.
 * Throws where there is none, and where a text is no public key: then nothing has been done yet.
 */
export async function readGivenKeys({
  positionals,
  stdin,
}: Pick<ListContext, 'positionals' | 'stdin'>): Promise<GivenKey[]> {
  const keys = new Map<string, GivenKey>()
  const problems: string[] = []
  for await (const { text, place } of givenTexts(positionals, stdin)) {
    const result = parsePubkey(text)
    if (!result.ok) problems.push(`${place}: ${result.message}`)
    else if (!keys.has(result.pubkey)) keys.set(result.pubkey, spell(result.pubkey, text))
  }
  if (problems.length > 0) throw new CommandError(describeProblems(problems), EXIT.usage)
  if (keys.size === 0) throw new UsageError('no key is given')
  return [...keys.values()]
}

async function* givenTexts(
  positionals: readonly string[],
  stdin: ListContext['stdin'],
): AsyncGenerator<GivenText> {
  let isRead = false
  for (const [index, text] of positionals.entries()) {
    if (text !== '-') yield { text, place: `key ${index + 1}` }
    else if (!isRead) {
      isRead = true
      yield* linesOfKeys(stdin())
    }
  }
}

async function* linesOfKeys(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<GivenText> {
  let line = 0
  for await (const whole of readLines(input)) {
    line += 1
    const [text = ''] = whole.split('#', 1)
    if (text.trim() !== '') yield { text, place: `line ${line} of standard input` }
  }
}

function spell(pubkey: string, text: string): GivenKey {
  // No hex digit is an `n`.
  return { pubkey, spelling: /n(?:pub|profile)1/i.test(text) ? formatNpub(pubkey) : pubkey }
}

function describeProblems(problems: readonly string[]): string {
  const [only = '', ...others] = problems
  if (others.length === 0) return `${only}; nothing was done`
  const told = problems.slice(0, PROBLEMS_TOLD).map((problem) => `\n  ${problem}`)
  const more = problems.length - told.length
  const end = more > 0 ? `\n  and ${more} more` : ''
  return `${problems.length} keys are no public keys; nothing was done:${told.join('')}${end}`
}
