import { COMMON_OPERATIONS, describeApi } from '@dstack-node/service-kit/openapi'
import { adminOperation } from './routes/admin.js'
import { authOperations } from './routes/auth.js'
import { batchOperation } from './routes/batch.js'
import { checkOperations } from './routes/check.js'
import { listOperation } from './routes/list.js'
import { statusOperations } from './routes/status.js'
import { whitelistOperation } from './routes/whitelist.js'

/** The OpenAPI 3.1 document of the whitelist service. */
export function describeWhitelistApi(version: string): object {
  return describeApi(
    {
      title: 'whitelist-service',
      version,
      description: 'Answers whether a Nostr public key is on the list.',
    },
    [
      ...checkOperations,
      whitelistOperation,
      batchOperation,
      listOperation,
      ...authOperations,
      adminOperation,
      ...statusOperations,
      ...COMMON_OPERATIONS,
    ],
  )
}
