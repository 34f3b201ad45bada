import type { FastifyInstance } from 'fastify'

/** `GET /openapi.json`: the description is made when it is first asked for. */
export function registerOpenApiRoute(
  app: FastifyInstance,
  describe: () => object | Promise<object>,
): void {
  let description: object | Promise<object> | undefined
  app.get('/openapi.json', async () => (description ??= describe()))
}
