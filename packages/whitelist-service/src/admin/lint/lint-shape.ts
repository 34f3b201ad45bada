import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { describeShape, documentSchema } from '../../list/document-schema.js'
import type { Finding } from './finding.js'
import { withoutMark, type JsonDocument } from './list-fields.js'

/** How many of the problems are told: each takes a look at the whole text. */
const PROBLEMS_TOLD = 10

/** What has the wrong form, but for single entries and names, which are looked at one by one. */
export function lintShape({ text, value }: JsonDocument): Finding[] {
  const { error } = documentSchema.safeParse(value)
  const issues = (error?.issues ?? []).filter(({ path }) => !isToldElsewhere(path))
  const bare = withoutMark(text)
  return issues.slice(0, PROBLEMS_TOLD).map((issue) => ({
    code: issue.code === 'custom' ? 'secret_key' : 'not_a_list',
    isFatal: true,
    message: describeShape(bare, issue),
  }))
}

function isToldElsewhere([, name]: readonly PropertyKey[]): boolean {
  return typeof name === 'number' || (typeof name === 'string' && !parsePubkey(name).ok)
}
