/** Where an HTTP service of somebody else's is. */
export interface Endpoint {
  /** Without a trailing slash, a query or credentials: it may be logged. */
  baseUrl: string
  /** The Unix socket that the requests go through, if they don't go over TCP. */
  socketPath?: string
  /** The header made of the credentials in the URL. */
  authorization?: string
}

/** What `sockaddr_un` has room for; Node would cut a longer path without a word. */
const MAX_SOCKET_PATH_BYTES = 107

/** Reads an `http://` or `https://` base URL. Throws an Error that doesn't repeat it. */
export function parseHttpEndpoint(text: string): Endpoint {
  if (!/^https?:\/\//i.test(text)) throw new Error('must start with http:// or https://')
  if (!URL.canParse(text)) throw new Error('is no valid URL: write http://host:port')
  const url = new URL(text)
  if (url.search !== '' || url.hash !== '')
    throw new Error('must have no ? and no #: it is a base URL')
  const baseUrl = url.origin + url.pathname.replace(/\/+$/, '')
  if (url.username === '' && url.password === '') return { baseUrl }
  return { baseUrl, authorization: basicAuthorization(url) }
}

/** Reads the address of a DStack VMM: `http(s)://…`, `unix:///path` or `unix:/path`. */
export function parseDstackEndpoint(text: string): Endpoint {
  if (!/^unix:/i.test(text)) {
    if (!/^https?:\/\//i.test(text)) throw new Error('must start with http://, https:// or unix:')
    return parseHttpEndpoint(text)
  }
  const socketPath = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
  if (!/^\/(?!\/)./.test(socketPath))
    throw new Error('must be unix:///path or unix:/path, with an absolute path')
  const bytes = Buffer.byteLength(socketPath)
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw new Error(
      `has a socket path of ${bytes} bytes; the system allows ${MAX_SOCKET_PATH_BYTES}`,
    )
  }
  return { baseUrl: 'http://localhost', socketPath }
}

function basicAuthorization({ username, password }: URL): string {
  const credentials = `${decodePercent(username)}:${decodePercent(password)}`
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('must percent-encode special characters in its user name and password')
  }
}
