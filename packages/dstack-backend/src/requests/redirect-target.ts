import { oneLine } from '../one-line.js'

const MAX_LENGTH = 300

/**
 * Where the `location` of a redirect points, fit for a log: short, and without credentials; undefined for an
 * answer that has none. Redirects are not followed: whoever set the URL is told.
 */
export function redirectTarget(
  headers: Record<string, string | string[] | undefined>,
): string | undefined {
  const [location] = [headers['location']].flat()
  return location === undefined
    ? undefined
    : oneLine(location.replace(/\/\/[^/?#]*@/, '//'), MAX_LENGTH)
}
