import { COMMON_OPERATIONS, describeApi, type ApiOperation } from '@dstack-node/service-kit/openapi'
import * as z from 'zod'
import { healthOperation } from './routes/health.js'
import { nodeStatusSchema } from './status/node-status-schema.js'

const aboutOperation: ApiOperation = {
  method: 'get',
  path: '/',
  summary: 'What this service is and how it stands with everything around it',
  answers: {
    200: {
      description: 'also while DStack is down; a page where the request accepts HTML',
      schema: nodeStatusSchema,
      type: 'text/html',
    },
  },
}

const readyOperation: ApiOperation = {
  method: 'get',
  path: '/readyz',
  summary: 'Whether DStack lists its GPUs',
  answers: {
    200: {
      description: 'it did, at most 60 s ago',
      schema: z.object({ status: z.literal('ready') }),
    },
    503: {
      description: 'it did not, or the service is about to stop',
      schema: z.object({
        status: z.literal('not_ready'),
        reason: z.string().describe('one of a few sentences'),
      }),
    },
  },
}

/** The OpenAPI 3.1 document of the backend. */
export function describeBackendApi(version: string): object {
  return describeApi(
    {
      title: 'dstack-backend',
      version,
      description: 'Tells a message-network worker about the GPUs of this machine.',
    },
    [healthOperation, aboutOperation, readyOperation, ...COMMON_OPERATIONS],
  )
}
