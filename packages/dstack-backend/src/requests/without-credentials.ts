/** A text of an answer without the credentials of the request, whole or their secret part. */
export function withoutCredentials(text: string, authorization = ''): string {
  const [scheme, credentials = ''] = authorization.split(' ', 2)
  const decoded = scheme === 'Basic' ? Buffer.from(credentials, 'base64').toString() : ''
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(decoded) ?? []
  return [credentials, decoded, password || user]
    .filter((secret) => secret !== '')
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
}
