import type { RequestLimits } from './registry-client.js'

/** A node type, or why there is none. */
export type NodeTypeAnswer =
  | { ok: true; nodeType: string }
  | {
      ok: false
      reason: string
      /** What to do about it. */
      nextStep: string
      /** Whether asking again can't help. */
      final: boolean
    }

/** Finds out what this machine is to be registered as, within the limits. Never rejects. */
export type NodeTypeSource = (limits: RequestLimits) => Promise<NodeTypeAnswer>
