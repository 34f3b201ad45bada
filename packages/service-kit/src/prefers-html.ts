/**
 * Whether a client wants a page rather than JSON, by its `Accept` header (RFC 9110, 12.5.1). Browsers name
 * `text/html`; whoever does not, or wants JSON as much by name, gets JSON. What can't be read does not count.
 */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined || !/text\/html/i.test(accept)) return false
  const weights = parseAccept(accept)
  const html = weights.get('text/html') ?? 0
  if (html === 0) return false
  const json = weights.get('application/json')
  if (json !== undefined) return html > json
  return html >= (weights.get('application/*') ?? weights.get('*/*') ?? 0)
}

/** The weight of each media range; of one that is named twice, the greater. */
function parseAccept(accept: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const piece of accept.split(',')) {
    const [range = '', ...parameters] = piece.split(';').map((part) => part.trim().toLowerCase())
    weights.set(range, Math.max(weights.get(range) ?? 0, weightOf(parameters)))
  }
  return weights
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))
  if (weight === undefined) return 1
  const [, digits] = /^q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(weight) ?? []
  return Number(digits ?? 0)
}
