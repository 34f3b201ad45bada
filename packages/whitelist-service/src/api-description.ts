import { describeApi, type ApiOperation } from '@dstack-node/service-kit/openapi'
import * as z from 'zod'
import { adminOperation } from './routes/admin.js'
import { authOperations } from './routes/auth.js'
import { batchOperation } from './routes/batch.js'
import { checkOperations } from './routes/check.js'
import { listOperation } from './routes/list.js'
import { statusOperations } from './routes/status.js'
import { whitelistOperation } from './routes/whitelist.js'

const FOR_MACHINES: ApiOperation[] = [
  {
    method: 'get',
    path: '/metrics',
    summary: 'Figures for Prometheus',
    answers: { 200: { description: 'the text format', type: 'text/plain' } },
  },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This description (OpenAPI 3.1)',
    answers: {
      200: { description: 'the document', schema: z.looseObject({ openapi: z.string() }) },
    },
  },
]

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
      ...FOR_MACHINES,
    ],
  )
}
