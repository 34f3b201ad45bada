import type { Observation, PermissionView, WhitelistView } from '../network-view/observation.js'
import type { Warning } from './node-facts.js'

/** What is wrong with what the registry says of this key, or that it says nothing. */
export function findPermissionWarnings({
  answer,
  problem,
}: Observation<PermissionView>): Warning[] {
  const warnings: Warning[] = []
  if (answer?.value.allowed === false) {
    warnings.push({
      code: 'permission_missing',
      message: 'the registry does not say that this key may write (write.mode AllowAll)',
      nextStep:
        "It may take a few minutes after a registration. If it lasts, ask the registry's operator and name the public key, which `node dist/backend.js pubkey` prints.",
    })
  }
  if (problem !== undefined) {
    warnings.push({
      code: 'registry_unreachable',
      message: `the registry does not tell whether this key may write: ${problem}`,
      nextStep:
        'Do what the message says, if it does; see that the registry runs and is reached at REGISTRY_URL.',
    })
  }
  return warnings
}

type Refusal = Exclude<WhitelistView['code'], 'listed'>

const REFUSALS: Record<Refusal, Pick<Warning, 'message' | 'nextStep'>> = {
  not_listed: {
    message: 'the key of this machine is not on the whitelist',
    nextStep:
      "Send the public key, which `node dist/backend.js pubkey` prints, to the whitelist's admin, who adds it.",
  },
  banned: {
    message: 'the key of this machine is banned by the whitelist',
    nextStep:
      "Ask the whitelist's admin for the reason, and name the public key, which `node dist/backend.js pubkey` prints.",
  },
  expired: {
    message: 'the time of this key on the whitelist is over',
    nextStep:
      "Ask the whitelist's admin for more time, and name the public key, which `node dist/backend.js pubkey` prints.",
  },
}

/** What is wrong with what the whitelist says of this key, or that it says nothing; undefined without one. */
export function findWhitelistWarnings(
  whitelist: Observation<WhitelistView> | undefined,
): Warning[] {
  const warnings: Warning[] = []
  const { answer, problem } = whitelist ?? {}
  if (answer && answer.value.code !== 'listed') {
    warnings.push({ code: 'not_whitelisted', ...REFUSALS[answer.value.code] })
  }
  if (problem !== undefined) {
    warnings.push({
      code: 'whitelist_unreachable',
      message: `the whitelist does not tell whether this key is on it: ${problem}`,
      nextStep:
        'Do what the message says, if it does; see that the whitelist service runs and is reached at WHITELIST_URL.',
    })
  }
  return warnings
}
