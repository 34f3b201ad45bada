import { createFile } from '@dstack-node/service-kit/create-file'

const EMPTY = '{"pubkeys": []}\n'

/** What whoever wants to read or change a list is told where there is none. */
export const NO_LIST =
  'the file is not there: put it back, or set WHITELIST_FILE; the command add creates one'

/** Creates an empty list unless the file is there; returns whether it did. Throws the system's error. */
export function createEmptyList(path: string): Promise<boolean> {
  return createFile(path, EMPTY, 0o644)
}
