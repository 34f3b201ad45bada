import { gunzipSync } from 'node:zlib'

/** The text of a body, unpacked where it was sent compressed. */
export function decodeBody(answer: { headers: Record<string, unknown>; body: Buffer }): string {
  const isPacked = answer.headers['content-encoding'] === 'gzip'
  return (isPacked ? gunzipSync(answer.body) : answer.body).toString()
}
