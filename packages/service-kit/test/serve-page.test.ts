import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { buildHttpServer } from '../src/http-server.js'
import { servePage } from '../src/serve-page.js'
import { recordLog } from './_log.js'

const HTML = { accept: 'text/html' }

async function build() {
  const { log } = await recordLog()
  const app = buildHttpServer(log)
  onTestFinished(() => app.close())
  const load = vi.fn(async () => ({ headers: { 'content-type': 'text/html' }, body: '<p>' }))
  const handle = vi.fn(async () => ({ plain: true }))
  app.get('/', { onRequest: servePage(load) }, handle)
  return { app, load, handle }
}

describe('servePage', () => {
  it('answers a browser with the page alone', async () => {
    const { app, handle } = await build()
    const { statusCode, headers, body } = await app.inject({ url: '/', headers: HTML })
    expect([statusCode, body]).toEqual([200, '<p>'])
    expect(headers).toMatchObject({
      'content-type': 'text/html',
      vary: 'accept',
      'access-control-allow-origin': '*',
    })
    expect(handle).not.toHaveBeenCalled()
  })

  it('answers everybody else as the route does, and loads no page for that', async () => {
    const { app, load } = await build()
    const { headers, body } = await app.inject('/')
    expect(body).toBe('{"plain":true}')
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      vary: 'accept',
    })
    expect(load).not.toHaveBeenCalled()
  })

  it('answers HEAD with the headers of either', async () => {
    const { app } = await build()
    const page = await app.inject({ method: 'HEAD', url: '/', headers: HTML })
    expect([page.statusCode, page.body, page.headers['content-type']]).toEqual([
      200,
      '',
      'text/html',
    ])
    const plain = await app.inject({ method: 'HEAD', url: '/' })
    expect(plain.headers['content-type']).toMatch('application/json')
  })
})
