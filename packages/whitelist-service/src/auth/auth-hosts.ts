/** A host that forward authentication speaks for. */
export interface AuthHost {
  /** `name` or `name:port`, in lower case, as it stands in a Host header. */
  host: string
  /** `https:` or `http:`; undefined where the proxy tells. */
  protocol: string | undefined
}

/**
 * Reads a host, like `media.example.com` or `files.example.com:8443`, or an origin, like
 * `https://media.example.com`, which also settles the protocol.
 *
 * Throws an Error that says what is wrong, without repeating the text.
 */
export function parseAuthHost(text: string): AuthHost {
  const origin = /^https?:\/\//i.test(text)
  const url = URL.canParse(origin ? text : `https://${text}`)
    ? new URL(origin ? text : `https://${text}`)
    : undefined
  // A wildcard would be read as a name, which no client ever asks for.
  if (!url || url.href !== `${url.origin}/` || url.host === '' || url.host.includes('*')) {
    throw new Error('must hold hosts, like media.example.com:8443 or https://media.example.com')
  }
  return { host: url.host, protocol: origin ? url.protocol : undefined }
}
