import { createAdminGate, type AdminGateOptions, type AdminRequest } from './admin-gate.js'
import { announceAdmin } from './announce-admin.js'
import { createChangeQueue, type WriteChanges } from './change-queue.js'
import { createNip86, type AnswerCall, type Nip86Dependencies } from './nip86.js'

/** Who may change the list over HTTP, and what carries that out. */
export type AdminOptions = AdminGateOptions & {
  write: WriteChanges
  list: Nip86Dependencies['list']
}

/** What a request of an admin goes through: the gate first, then the methods. */
export interface Administration {
  /** Tells the key of the admin whose request it is, or throws a GateError. */
  admit: (request: AdminRequest) => string
  answerCall: AnswerCall
}

/** Switches the administration over HTTP on, which the log tells. */
export function createAdministration(options: AdminOptions): Administration {
  const { settings, write, list, log } = options
  announceAdmin(log, settings)
  const change = createChangeQueue({ write })
  return { admit: createAdminGate(options), answerCall: createNip86({ change, list, log }) }
}
