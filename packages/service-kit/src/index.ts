export { tallyAnswers, type AnswerTallies } from './answer-tallies.js'
export {
  createFile,
  removeIfThere,
  removeStaleTemporaries,
  syncFolder,
  temporaryPathFor,
  writeDurably,
} from './create-file.js'
export { ConfigError, parseEnv, variable, type Env } from './env.js'
export { errorCode } from './error-code.js'
export {
  answerFirst,
  count,
  JSON_HEADERS,
  sendAtOnce,
  type FlatHeaders,
  type ReadyAnswer,
  type Tally,
} from './http-answer.js'
export { errorBody, HttpError } from './http-error.js'
export { buildHttpServer, closeHttpServer, listen } from './http-server.js'
export type { ListenAddress } from './listen-address.js'
export { createLogger, type Logger } from './logger.js'
export {
  runProgram,
  serviceVariables,
  type Program,
  type RunningService,
  type ServiceConfig,
  type StartContext,
} from './program.js'
export { registerMetricsRoute } from './metrics-route.js'
export { formatNpub } from './npub.js'
export { registerOpenApiRoute } from './openapi-route.js'
export {
  isSecretKey,
  MAX_PUBKEY_LENGTH,
  parsePubkey,
  readPlainPubkey,
  type PubkeyErrorCode,
  type PubkeyResult,
} from './pubkey.js'
export { StartError } from './start-error.js'
