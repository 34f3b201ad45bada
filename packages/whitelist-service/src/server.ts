import { buildHttpServer, type Logger } from '@dstack-node/service-kit'
import { countAnswers, createMetrics, registerMetricsRoute } from '@dstack-node/service-kit/metrics'
import { registerOpenApiRoute } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance } from 'fastify'
import { createAdministration, type AdminOptions } from './admin/nip86/administration.js'
import type { AllowlistFile } from './list/allowlist-file.js'
import { describeWhitelistApi } from './api-description.js'
import type { Clock } from './clock.js'
import type { AuthConfig } from './config.js'
import { createForwardAuth } from './auth/forward-auth.js'
import { createClientAddress } from './client-address.js'
import { createListEditions, type FormatList } from './list/list-edition.js'
import type { ListFormat } from './list/list-format.js'
import { observeList } from './list/list-metrics.js'
import { registerAdminRoute } from './routes/admin.js'
import { authRouteUrl, registerAuthRoute } from './routes/auth.js'
import { registerBatchRoute } from './routes/batch.js'
import { registerCheckRoutes } from './routes/check.js'
import { registerListRoute } from './routes/list.js'
import { answerPlainQuestions } from './routes/plain-questions.js'
import { registerStatusRoutes } from './routes/status.js'
import { registerWhitelistRoute } from './routes/whitelist.js'

/** What the routes answer from. */
export interface ServerDependencies {
  file: AllowlistFile
  format: FormatList
  clock: Clock
  auth: AuthConfig
  /** Who may change the list over HTTP; nobody where it is not given. */
  admin?: Pick<AdminOptions, 'settings' | 'write'> | undefined
  log: Logger
  version: string
  /** Fires when the service is to stop. */
  stopping: AbortSignal
}

/** The whitelist service with all its routes, without a port. */
export async function buildServer(dependencies: ServerDependencies): Promise<FastifyInstance> {
  const { file, format, clock, auth, admin, log, version } = dependencies
  const app = buildHttpServer(log, {
    methods: ['GET', 'HEAD', 'POST'],
    routeUrl: authRouteUrl,
  })
  const registry = createMetrics({ name: 'whitelist-service', version })
  const tallyOf = countAnswers(app, registry)
  observeList(registry, file.state)
  const allowlist = () => file.state().allowlist
  const nowSeconds = () => Math.floor(clock.nowMs() / 1000)
  const editionAt = createListEditions(format)
  registerWhitelistRoute(app, allowlist, nowSeconds)
  registerBatchRoute(app, allowlist, nowSeconds)
  registerCheckRoutes(app, allowlist, nowSeconds)
  const edition = () => editionAt(file.state(), nowSeconds())
  registerListRoute(app, edition)
  // At debug Fastify logs how each request was answered: it has to see them all.
  if (!log.isLevelEnabled('debug')) {
    answerPlainQuestions(app, { allowlist, edition, nowSeconds, tallyOf })
  }
  registerAuthRoute(app, {
    ask: createForwardAuth({ config: auth, current: allowlist, clock, log }),
    registry,
    tally: tallyOf('ANY', '/auth'),
    log,
  })
  if (admin) {
    const list = (name: ListFormat) => edition().body(name, false)
    registerAdminRoute(app, {
      ...createAdministration({ ...admin, list, clock, log }),
      addressOf: createClientAddress(auth.trustedProxies),
      registry,
    })
  }
  registerStatusRoutes(app, dependencies)
  registerMetricsRoute(app, registry)
  registerOpenApiRoute(app, () => describeWhitelistApi(version))
  return app
}
