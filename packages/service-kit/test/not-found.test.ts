import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answerNotFound } from '../src/not-found.js'

function makeServer(): FastifyInstance {
  const app = Fastify()
  onTestFinished(() => app.close())
  answerNotFound(app, ['GET', 'HEAD', 'POST'])
  app.get('/one', async () => ({}))
  app.get('/both/:name', async () => ({}))
  app.post('/both/:name', async () => ({}))
  app.post('/file.json', async () => ({}))
  app.options('*', async () => ({}))
  return app
}

describe('answerNotFound', () => {
  it.each([
    ['POST', '/one', 'GET, HEAD', 'this address answers GET and HEAD only'],
    ['DELETE', '/one?a=b', 'GET, HEAD', 'this address answers GET and HEAD only'],
    ['PUT', '/both/x', 'GET, HEAD, POST', 'this address answers GET, HEAD and POST only'],
    ['GET', '/file.json', 'POST', 'this address answers POST only'],
  ] as const)('answers 405 to %s %s and says what works', async (method, url, allow, message) => {
    const response = await makeServer().inject({ method, url })
    expect(response.statusCode).toBe(405)
    expect(response.headers['allow']).toBe(allow)
    expect(response.json()).toEqual({
      statusCode: 405,
      code: 'method_not_allowed',
      error: 'Method Not Allowed',
      message,
    })
  })

  it.each([
    ['GET', '/'],
    ['GET', '/One'],
    ['POST', '/one/'],
    ['POST', '/one/two'],
    ['PUT', '/both'],
    ['PUT', '/both/x/y'],
    ['GET', '/fileXjson'],
    ['GET', '/*'],
    ['GET', '/__proto__'],
  ] as const)('answers 404 to %s %s', async (method, url) => {
    const response = await makeServer().inject({ method, url })
    expect(response.statusCode).toBe(404)
    expect(response.headers).not.toHaveProperty('allow')
    expect(response.json()).toEqual({
      statusCode: 404,
      code: 'not_found',
      error: 'Not Found',
      message: 'there is nothing at this address; GET / lists what there is',
    })
  })
})
