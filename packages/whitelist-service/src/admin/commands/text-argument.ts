import { CommandError, EXIT } from '@dstack-node/service-kit/command-error'
import { MAX_LABEL_LENGTH, MAX_REASON_LENGTH } from '../../list/allowlist-document.js'
import type { ListContext } from './list-command.js'

const MAX_LENGTHS = { label: MAX_LABEL_LENGTH, reason: MAX_REASON_LENGTH }

/** What the list is to say about a key. Throws a CommandError where it is longer than may stand there. */
export function readText(
  { texts }: Pick<ListContext, 'texts'>,
  name: keyof typeof MAX_LENGTHS,
): string | undefined {
  const text = texts.get(name)
  const maxLength = MAX_LENGTHS[name]
  if (text === undefined || text.length <= maxLength) return text
  throw new CommandError(`--${name} must have at most ${maxLength} characters`, EXIT.usage)
}
