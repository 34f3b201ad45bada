import * as z from 'zod'
import { WARNING_CODES } from './node-facts.js'

const dstackSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('available'),
    gpu_count: z.int(),
    free_gpu_count: z.int(),
    sampled_at: z.iso.datetime(),
  }),
  z.object({
    state: z.literal('unavailable'),
    reason: z.string().describe('one of a few sentences, as in /health'),
    class: z.enum(['connect', 'timeout', 'auth', 'http', 'invalid', 'too_large']),
    next_step: z.string(),
    sampled_at: z.iso.datetime(),
  }),
  z.object({ state: z.literal('unknown').describe('it was not asked yet') }),
])

const gpuSchema = z.object({
  slot: z.string(),
  product_id: z.string(),
  model: z.string().nullable().describe('null for a card that is not known'),
  description: z.string(),
  is_free: z.boolean().describe('a hint, no verdict on the card'),
})

const warningSchema = z.object({
  code: z.enum(WARNING_CODES).describe('stable; what a program should look at'),
  message: z.string(),
  next_step: z.string(),
})

/** The body of `GET /`. */
export const nodeStatusSchema = z.object({
  service: z.literal('dstack-backend'),
  description: z.string(),
  version: z.string(),
  pubkey: z.string().regex(/^[0-9a-f]{64}$/),
  npub: z.string(),
  owner: z.string(),
  node_type: z
    .string()
    .nullable()
    .describe('null while NODE_TYPE is auto and the GPUs are not known'),
  ip_address: z.string().nullable(),
  registration: z.object({
    state: z.literal('registered'),
    how: z.enum(['known', 'new']),
    registered_at: z.iso.datetime(),
  }),
  dstack: dstackSchema,
  expected: z
    .object({
      model: z.string().nullable().describe('null where any will do'),
      count: z.int(),
    })
    .nullable()
    .describe('the GPUs that the machine should have; null where nobody said'),
  gpus: z.array(gpuSchema).nullable().describe('null while DStack does not list them'),
  permission: z.object({
    allowed: z.boolean().nullable().describe('null before the first answer'),
    checked_at: z.iso.datetime().nullable(),
    problem: z.string().optional().describe('why the latest try brought no answer'),
  }),
  whitelist: z
    .object({
      code: z.enum(['listed', 'not_listed', 'banned', 'expired']).nullable(),
      checked_at: z.iso.datetime().nullable(),
      problem: z.string().optional().describe('why the latest try brought no answer'),
    })
    .nullable()
    .describe('null without WHITELIST_URL'),
  address: z.object({
    ip: z.string().nullable(),
    source: z.enum(['ADVERTISE_IP', 'route', 'interface']).nullable(),
  }),
  warnings: z.array(warningSchema),
  endpoints: z.record(z.string(), z.string()),
})

/** What `GET /` answers. */
export type NodeStatus = z.infer<typeof nodeStatusSchema>
