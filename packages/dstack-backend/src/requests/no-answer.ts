const UNKNOWN_CA = 'has a certificate from an unknown CA: set NODE_EXTRA_CA_CERTS to its CA file'
const NO_ANSWER = 'ended the connection without an answer: is VARIABLE right?'
const NO_TLS = 'does not speak TLS there: should VARIABLE begin with http://?'

const SENTENCES = new Map(
  Object.entries({
    ECONNREFUSED: 'refused the connection: is it running, and is VARIABLE right?',
    ENOTFOUND: 'has a name that does not resolve: check VARIABLE and DNS',
    EAI_AGAIN: 'has a name that does not resolve now: check DNS',
    ETIMEDOUT: 'did not answer in time: does it hang, or is a firewall between?',
    ECONNRESET: NO_ANSWER,
    UND_ERR_SOCKET: NO_ANSWER,
    EHOSTUNREACH: 'is not reachable from this machine: check the network',
    ENETUNREACH: 'is not reachable from this machine: check the network',
    CERT_HAS_EXPIRED: 'has a certificate that has expired: renew it there',
    CERT_NOT_YET_VALID: 'has a certificate that is not valid yet: check both clocks',
    DEPTH_ZERO_SELF_SIGNED_CERT:
      'has a certificate that nobody vouches for: set NODE_EXTRA_CA_CERTS to its CA file',
    SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
    ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name: check VARIABLE',
    ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
    ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  }),
)

/**
 * What somebody did who sent no answer, by the code of the error, and what to do; to follow their name.
 * `variable` is the one that holds their URL.
 */
export function describeNoAnswer(code: string, variable: string): string {
  const sentence = code.startsWith('HPE_')
    ? 'does not speak HTTP there: is VARIABLE right?'
    : (SENTENCES.get(code) ?? 'could not be reached')
  return sentence.replace('VARIABLE', variable)
}
