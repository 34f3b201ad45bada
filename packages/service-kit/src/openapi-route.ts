import type { FastifyInstance } from 'fastify'

/** `GET /openapi.json`: the description is made and written when it is first asked for. */
export function registerOpenApiRoute(
  app: FastifyInstance,
  describe: () => object | Promise<object>,
): void {
  let text: Promise<string> | undefined
  const write = async () => JSON.stringify(await describe())
  app.get('/openapi.json', async (_request, reply) => {
    reply.header('content-type', 'application/json; charset=utf-8')
    return reply.send(await (text ??= write()))
  })
}
