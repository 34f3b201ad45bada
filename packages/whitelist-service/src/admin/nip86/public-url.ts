/**
 * Every spelling of the URL that a token for this request may name: the public one, with or without the
 * slash at its end, and the query as the request has it. Nothing else of the request is believed: a Host
 * header would let a token for another host in.
 */
export function urlFormsOf(publicUrl: URL, requestTarget: string): readonly string[] {
  const base = publicUrl.origin + publicUrl.pathname.replace(/\/$/, '')
  const query = /\?.*$/s.exec(requestTarget)?.[0] ?? ''
  return [`${base}/${query}`, `${base}${query}`]
}
