import { createFile } from '@dstack-node/service-kit/create-file'

const EMPTY = '{"pubkeys": []}\n'

/** Creates an empty list unless the file is there; returns whether it did. Throws the system's error. */
export function createEmptyList(path: string): Promise<boolean> {
  return createFile(path, EMPTY, 0o644)
}
